import type { LogLine } from '../core/run-log.ts'
import { gapText } from '../core/run-log.ts'
import type { LogPiece } from './log-pieces.ts'
import { readEntries, type IndexEntry } from './segment.ts'

const NEWLINE = 10

/** Turns pieces, which must come in order, into lines that know when and by whom they were said. */
export function createLineReader(): (piece: LogPiece) => Promise<readonly LogLine[]> {
  let path: string | null = null
  let offset = 0
  let entries: IndexEntry[] = []

  return async (piece) => {
    if (piece.kind === 'gap') {
      return [{ n: piece.last, at: 0, step: '', out: 'gap', text: gapText(piece.lines, piece.bytes) }]
    }
    if (path !== piece.segment.path) {
      path = piece.segment.path
      offset = 0
      entries = []
    }
    const fresh = await readEntries(path, offset)
    offset = fresh.offset
    entries = [...entries, ...fresh.entries]
    entries.splice(
      0,
      Math.max(
        0,
        entries.findLastIndex((entry) => entry.n <= piece.first),
      ),
    )
    return split(piece.bytes, piece.first, entries)
  }
}

function split(bytes: Buffer, first: number, entries: readonly IndexEntry[]): readonly LogLine[] {
  const lines: LogLine[] = []
  let current = 0
  let n = first
  for (let start = 0; start < bytes.length; n += 1) {
    const end = bytes.indexOf(NEWLINE, start)
    while ((entries[current + 1]?.n ?? Number.POSITIVE_INFINITY) <= n) current += 1
    const entry = entries[current]
    const text = bytes.toString('utf8', start, end)
    lines.push({ n, at: entry?.t ?? 0, step: entry?.s ?? '', out: entry?.c ?? 'out', text })
    start = end + 1
  }
  return lines
}
