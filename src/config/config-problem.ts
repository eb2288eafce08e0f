/** One thing that is wrong in a configuration file, told so that its author can mend it without asking anyone. */
export interface ConfigProblem {
  readonly file: string
  /** 1-based, as editors and GitHub's annotations count. */
  readonly line: number
  /** 1-based, in characters. */
  readonly column: number
  readonly endLine?: number
  /** The key path, such as `services.www.driver`; empty when the whole file is meant. */
  readonly path: string
  readonly message: string
  /** What to do about it, when we know. */
  readonly hint: string | null
}

/** A file with hundreds of mistakes is one mistake: past this many, more lines only hide the first. */
export const MAX_PROBLEMS = 50

/** One line as compilers print it: `file:line:column: path: message (hint)`. */
export function formatProblem(problem: ConfigProblem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`
  const what = problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`
  return problem.hint === null ? `${where}: ${what}` : `${where}: ${what} (${problem.hint})`
}
