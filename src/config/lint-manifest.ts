import { formatProblem } from './config-problem.ts'
import { parseRepositoryConfig, type RepositoryConfigResult } from './parse-repository-config.ts'
import type { YamlParser } from './yaml-parser.ts'

export interface LintReport {
  readonly result: RepositoryConfigResult
  /** One per problem, as compilers print them; empty when the file is right. */
  readonly lines: readonly string[]
}

/** What `slipway lint` says about a file. `_extends` is checked for its form only, since no repository is at hand. */
export async function lintManifest(yaml: YamlParser, text: string | Uint8Array, file: string): Promise<LintReport> {
  const result = await parseRepositoryConfig(yaml, text, file)
  return { result, lines: result.problems.map(formatProblem) }
}
