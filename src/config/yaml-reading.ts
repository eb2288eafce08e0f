/** What the worker sends back about one YAML file: plain data, so that it can cross the thread's border. */
export type YamlReading =
  | { readonly kind: 'ok'; readonly value: unknown; readonly marks: YamlMarks }
  | { readonly kind: 'invalid'; readonly problems: readonly YamlProblem[] }

/** Where each key and value stands, by JSON pointer (`pointerOf`). */
export type YamlMarks = ReadonlyMap<string, YamlMark>

export interface YamlPosition {
  readonly line: number
  readonly column: number
}

export interface YamlMark {
  /** Of the value. */
  readonly line: number
  readonly column: number
  readonly endLine: number
  /** Of its key; absent in lists and at the root. */
  readonly key?: YamlPosition
  /** What the author wrote, where reading it as a number lost something: `1.10`, `0x1F`. */
  readonly source?: string
}

export interface YamlProblem extends YamlPosition {
  readonly message: string
  readonly hint: string | null
}

export type KeyPath = readonly (string | number)[]

export const MAX_YAML_BYTES = 256 * 1024
/** The parser recurses once per level; far deeper files have no meaning and can kill the thread. */
export const MAX_YAML_LEVELS = 100
export const MAX_YAML_ALIASES = 100
/** After aliases are expanded: a hundred aliases of aliases could otherwise mean billions of values. */
export const MAX_YAML_VALUES = 50_000

export function pointerOf(path: KeyPath): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** A key path as people write it: `services.www.hooks.pre_deploy[0]`, with odd keys in brackets. */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>((written, part) => {
    if (typeof part === 'number') return `${written}[${part}]`
    if (!/^[\w-]+$/.test(part)) return `${written}[${JSON.stringify(part)}]`
    return written === '' ? part : `${written}.${part}`
  }, '')
}
