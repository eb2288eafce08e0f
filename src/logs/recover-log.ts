import { open } from 'node:fs/promises'
import type { LogResume } from '../core/run-log.ts'
import { countLines } from './line-assembler.ts'
import { listSegments, nullWhenMissing, readEntries, readHeader, sourceKey, type SourceCount } from './segment.ts'

/** Where a new writer begins. */
export interface LogPosition {
  readonly nextLine: number
  readonly bytes: number
  /** Complete bytes of the last segment; null when there is none. */
  readonly lastSize: number | null
  readonly counts: Map<string, SourceCount>
  readonly resumes: ReadonlyMap<string, LogResume>
  readonly writer: number
}

const NEWLINE = 10
const READ_BYTES = 256 * 1024

/** Counts what is on the disk. A half line at the end, left by a killed process, does not count. */
export async function recoverLog(folder: string): Promise<LogPosition> {
  const segments = await listSegments(folder)
  const writer = Math.max(0, ...segments.map((segment) => segment.writer)) + 1
  const last = segments.at(-1)
  const header = last === undefined ? null : await readHeader(last)
  if (last === undefined)
    return { nextLine: 1, bytes: 0, lastSize: null, counts: new Map(), resumes: new Map(), writer }
  const { lines, bytes } = await measure(`${last.path}.log`)
  const counts = new Map(Object.entries(header?.counts ?? {}))
  const { entries } = await readEntries(last.path, 0)
  const nextLine = last.first + lines
  const resumes = new Map(
    [...counts].map(([key, { taken }]): [string, LogResume] => [key, { bytes: taken, lines: 0, at: 0 }]),
  )
  entries.forEach((entry, index) => {
    const key = sourceKey({ step: entry.s, out: entry.c })
    // How many bytes the lines of this entry were is only known from a later one: those lines are counted.
    const lines = Math.max(0, Math.min(entries[index + 1]?.n ?? nextLine, nextLine) - entry.n)
    counts.set(key, { lines: (counts.get(key)?.lines ?? 0) + lines, taken: entry.r })
    resumes.set(key, { bytes: entry.r, lines, at: entry.t })
  })
  return { nextLine, bytes: (header?.bytes ?? 0) + bytes, lastSize: bytes, counts, resumes, writer }
}

async function measure(path: string): Promise<{ lines: number; bytes: number }> {
  const file = await open(path, 'r').catch(nullWhenMissing)
  if (file === null) return { lines: 0, bytes: 0 }
  try {
    const buffer = Buffer.alloc(READ_BYTES)
    let lines = 0
    let bytes = 0
    for (let offset = 0; ;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, offset)
      if (bytesRead === 0) return { lines, bytes }
      const chunk = buffer.subarray(0, bytesRead)
      lines += countLines(chunk)
      const last = chunk.lastIndexOf(NEWLINE)
      if (last >= 0) bytes = offset + last + 1
      offset += bytesRead
    }
  } finally {
    await file.close()
  }
}
