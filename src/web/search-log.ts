/** Finds text in a log without holding it: what the browser has not loaded is searched here. */
import type { RunLogs } from '../core/run-log.ts'

/** More hits than anyone steps through; a longer word finds fewer. */
const MOST_HITS = 1_000
/** Colours and the like do not part a word. */
// eslint-disable-next-line no-control-regex -- escapes of a terminal begin with one
const ESCAPES = /\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~])?/g

export interface LogHits {
  /** Numbers of lines. */
  readonly hits: readonly number[]
  /** There are more. */
  readonly isCut: boolean
}

/** Upper and lower case are the same. */
export async function searchLog(logs: RunLogs, runId: string, wanted: string, signal: AbortSignal): Promise<LogHits> {
  const hits: number[] = []
  const needle = wanted.toLowerCase()
  if (needle === '') return { hits, isCut: false }
  for await (const lines of logs.follow(runId, { signal })) {
    for (const { n, text } of lines) {
      if (!text.replaceAll(ESCAPES, '').toLowerCase().includes(needle)) continue
      if (hits.length === MOST_HITS) return { hits, isCut: true }
      hits.push(n)
    }
  }
  return { hits, isCut: false }
}
