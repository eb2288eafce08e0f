import { MAX_PROBLEMS, type ConfigProblem } from './config-problem.ts'
import { formatPath, pointerOf, type KeyPath, type YamlMarks, type YamlReading } from './yaml-reading.ts'

/** Where the keys of a configuration stand, also when it was put together from several files. */
export interface ConfigSource {
  /** The place of a key or value; of its nearest ancestor when it is not written anywhere. */
  place(path: KeyPath, at: 'key' | 'value'): ConfigPlace
  /** Whether the key is written in a file, or only there by default. */
  has(path: KeyPath): boolean
  /** Numbers that were written in a way a number does not keep, such as `1.10`, with what was written. */
  readonly lossyNumbers: readonly { readonly path: KeyPath; readonly written: string }[]
}

export interface ConfigPlace {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endLine: number
}

/** A problem before it has a place. */
export interface ConfigFault {
  readonly path: KeyPath
  /** Whether the key itself is wrong or its value; default: the value. */
  readonly at?: 'key' | 'value'
  readonly message: string
  readonly hint: string | null
}

export function sourceOf(file: string, marks: YamlMarks): ConfigSource {
  return {
    place(path, at) {
      const mark = marks.get(pointerOf(path))
      if (mark === undefined && path.length > 0) return this.place(path.slice(0, -1), 'key')
      const { line, column } = at === 'key' ? (mark?.key ?? mark ?? START) : (mark ?? START)
      return { file, line, column, endLine: at === 'key' ? line : (mark?.endLine ?? line) }
    },
    has: (path) => marks.has(pointerOf(path)),
    lossyNumbers: [...marks].flatMap(([pointer, mark]) =>
      mark.source === undefined ? [] : [{ path: pathOf(pointer), written: mark.source }],
    ),
  }
}

/** The source of a shallow merge: each top-level key is where `owners` says, everything else in `own`. */
export function mergedSource(own: ConfigSource, owners: ReadonlyMap<string, ConfigSource>): ConfigSource {
  const ownerOf = (path: KeyPath): ConfigSource => owners.get(String(path[0])) ?? own
  return {
    place: (path, at) => ownerOf(path).place(path, at),
    has: (path) => ownerOf(path).has(path),
    lossyNumbers: [...new Set([own, ...owners.values()])].flatMap((source) =>
      source.lossyNumbers.filter(({ path }) => ownerOf(path) === source),
    ),
  }
}

/** In the order of the files, without repetitions, at most `MAX_PROBLEMS`. */
export function placeFaults(source: ConfigSource, faults: readonly ConfigFault[]): readonly ConfigProblem[] {
  const problems = faults.map((fault): ConfigProblem => {
    const { file, line, column, endLine } = source.place(fault.path, fault.at ?? 'value')
    const place = endLine > line ? { file, line, column, endLine } : { file, line, column }
    return { ...place, path: formatPath(fault.path), message: fault.message, hint: fault.hint }
  })
  const distinct = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...distinct.values()]
    .toSorted((a, b) => compareText(a.file, b.file) || a.line - b.line || a.column - b.column)
    .slice(0, MAX_PROBLEMS)
}

export function readingProblems(
  file: string,
  reading: Extract<YamlReading, { kind: 'invalid' }>,
): readonly ConfigProblem[] {
  return reading.problems.slice(0, MAX_PROBLEMS).map((problem) => ({ file, path: '', ...problem }))
}

const START = { line: 1, column: 1 }

function pathOf(pointer: string): KeyPath {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')))
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
