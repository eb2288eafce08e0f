export interface Generator {
  /** Path from the root of the repository. */
  readonly file: string
  /** The whole file as it should be; `current` is '' when there is none. */
  render(current: string): string | Promise<string>
}

/** The file with `text` between its markers `<!-- NAME:begin -->` and `<!-- NAME:end -->`; unchanged without them. */
export function betweenMarkers(current: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const [from, to] = [current.indexOf(begin), current.indexOf(end)]
  if (from < 0 || to < from) return current
  return `${current.slice(0, from + begin.length)}\n${text.trim()}\n${current.slice(to)}`
}
