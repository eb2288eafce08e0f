import type { ConfigProblem } from './config-problem.ts'
import { checkServerConfig } from './check-server-config.ts'
import { placeFaults, readingProblems, sourceOf, type ConfigFault } from './config-source.ts'
import { faultsFromZod } from './faults-from-zod.ts'
import { fillEnvironment, type Environment } from './fill-environment.ts'
import { resolveServerConfig } from './resolve-server-config.ts'
import type { HostEndpoint, ServerConfig } from './server-config.ts'
import { serverSchema } from './server-schema.ts'
import type { YamlParser } from './yaml-parser.ts'

export interface ServerConfigInput {
  readonly text: string | Uint8Array
  /** Names the file in problems; relative paths in it start from its folder. */
  readonly file: string
  readonly environment: Environment
  /** Where the host `default` is when the file names none. */
  readonly dockerHost: HostEndpoint
}

export type ServerConfigResult =
  | { readonly kind: 'ok'; readonly config: ServerConfig; readonly problems: readonly [] }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

export async function parseServerConfig(yaml: YamlParser, input: ServerConfigInput): Promise<ServerConfigResult> {
  const reading = await yaml.parse(input.text)
  if (reading.kind === 'invalid') return { kind: 'invalid', problems: readingProblems(input.file, reading) }
  const source = sourceOf(input.file, reading.marks)
  const invalid = (faults: readonly ConfigFault[]): ServerConfigResult => ({
    kind: 'invalid',
    problems: placeFaults(source, faults),
  })

  const filled = fillEnvironment(reading.value ?? {}, input.environment)
  const parsed = serverSchema.safeParse(filled.value, { reportInput: true })
  const schemaFaults = parsed.success ? [] : faultsFromZod(serverSchema, parsed.error.issues)
  if (!parsed.success || filled.faults.length > 0) return invalid([...filled.faults, ...schemaFaults])

  const resolved = resolveServerConfig(parsed.data, input)
  const faults = [...resolved.faults, ...checkServerConfig(resolved.config)]
  return faults.length > 0 ? invalid(faults) : { kind: 'ok', config: resolved.config, problems: [] }
}

/** What counts when there is no server.yml: one host, nothing granted. */
export function defaultServerConfig(dockerHost: HostEndpoint): ServerConfig {
  return resolveServerConfig(serverSchema.parse({}), { file: 'server.yml', dockerHost }).config
}
