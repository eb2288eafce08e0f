import { open } from 'node:fs/promises'
import { countLines } from './line-assembler.ts'
import { listSegments, nullWhenMissing, readEntries, readHeader, sourceKey } from './segment.ts'

/** Where a new writer begins. */
export interface LogPosition {
  readonly nextLine: number
  readonly bytes: number
  /** Complete bytes of the last segment; null when there is none. */
  readonly lastSize: number | null
  readonly counts: Map<string, number>
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
  if (last === undefined) return { nextLine: 1, bytes: 0, lastSize: null, counts: new Map(), writer }
  const { lines, bytes } = await measure(`${last.path}.log`)
  const counts = new Map(Object.entries(header?.counts ?? {}))
  const { entries } = await readEntries(last.path, 0)
  const nextLine = last.first + lines
  entries.forEach((entry, index) => {
    const end = Math.min(entries[index + 1]?.n ?? nextLine, nextLine)
    const key = sourceKey({ step: entry.s, out: entry.c })
    counts.set(key, (counts.get(key) ?? 0) + Math.max(0, end - entry.n))
  })
  return { nextLine, bytes: (header?.bytes ?? 0) + bytes, lastSize: bytes, counts, writer }
}

async function measure(path: string): Promise<{ lines: number; bytes: number }> {
  const file = await open(path, 'r').catch(nullWhenMissing)
  if (file === null) return { lines: 0, bytes: 0 }
  try {
    const buffer = Buffer.alloc(READ_BYTES)
    let lines = 0
    let bytes = 0
    for (let offset = 0; ; ) {
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
