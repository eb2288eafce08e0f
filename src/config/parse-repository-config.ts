import type { ConfigProblem } from './config-problem.ts'
import { checkRepositoryConfig } from './check-repository-config.ts'
import { placeFaults, readingProblems, sourceOf, type ConfigSource } from './config-source.ts'
import { faultsFromZod } from './faults-from-zod.ts'
import type { RepositoryConfig } from './repository-config.ts'
import { repositorySchema, resolveRepositoryConfig } from './repository-schema.ts'
import type { YamlParser } from './yaml-parser.ts'

export type RepositoryConfigResult =
  | {
      readonly kind: 'ok'
      readonly config: RepositoryConfig
      readonly source: ConfigSource
      readonly problems: readonly []
    }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

/** Reads one file that stands alone; `_extends` is looked at by `load-repository-config.ts`. Never throws for the text's sake. */
export async function parseRepositoryConfig(
  yaml: YamlParser,
  text: string | Uint8Array,
  file: string,
): Promise<RepositoryConfigResult> {
  const reading = await yaml.parse(text)
  if (reading.kind === 'invalid') return { kind: 'invalid', problems: readingProblems(file, reading) }
  return validateRepositoryConfig(reading.value, sourceOf(file, reading.marks))
}

/** An empty file is a repository that asks for nothing. */
export function validateRepositoryConfig(value: unknown, source: ConfigSource): RepositoryConfigResult {
  const parsed = repositorySchema.safeParse(value ?? {}, { reportInput: true })
  if (!parsed.success)
    return { kind: 'invalid', problems: placeFaults(source, faultsFromZod(repositorySchema, parsed.error.issues)) }
  const config = resolveRepositoryConfig(parsed.data)
  const problems = placeFaults(source, checkRepositoryConfig(config, source))
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'ok', config, source, problems: [] }
}
