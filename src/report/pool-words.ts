/** What is said about instances of the release pool, on checks and on pages. */
import { durationText } from './duration-text.ts'
import { code } from './markdown.ts'

/** One line, for a title: the place in the line, and how long it may take. */
export function placeWords(pool: string, place: number, estimateMs: number | null): string {
  const wait = estimateMs === null ? '' : `, about ${durationText(estimateMs)}`
  return place === 1
    ? `Next for an instance of ${pool}${wait}`
    : `Place ${place} in the line for an instance of ${pool}${wait}`
}

/** Markdown: which instance is held, and until when on the clock of the world. */
export function heldWords(domain: string, until: Date): string {
  return `Holds [${code(domain)}](https://${domain}) until ${until.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
