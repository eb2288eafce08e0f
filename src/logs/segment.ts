/**
 * A log on disk is a folder of segments. A segment is two files that only grow: `NUMBER.WRITER.log` with whole lines,
 * and `NUMBER.WRITER.idx` that says from which line on who spoke and when. NUMBER is the number of its first line;
 * WRITER counts the writers this log has had.
 *
 * The index says it before the lines are written, so lines without an owner cannot exist; an index entry without
 * lines is harmless. A writer never touches a segment of an earlier one. The header of each segment says how long the
 * one before it was when it began, so what a writer that lost its lease still appends there is read by nobody.
 */
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { LogSource } from '../core/run-log.ts'

export interface SegmentName {
  readonly first: number
  readonly writer: number
  /** Path without extension. */
  readonly path: string
}

/** First line of an index. */
export interface SegmentHeader {
  /** Bytes of all lines before this segment. */
  readonly bytes: number
  /** Bytes that count of the segment before; null for the first one. */
  readonly previousSize: number | null
  /** What came before by source, as `sourceKey` names it. */
  readonly counts: Readonly<Record<string, SourceCount>>
}

export interface SourceCount {
  readonly lines: number
  /** Bytes of the program's output. */
  readonly taken: number
}

/** From line `n` at byte `o` on, received at `t`, `s` spoke on `c`, after `r` bytes of its output. */
export interface IndexEntry {
  readonly r: number
  readonly n: number
  readonly o: number
  readonly t: number
  readonly s: string
  readonly c: LogSource['out']
}

export const SEAL_FILE = 'sealed.json'
const NAME = /^(\d{12})\.(\d+)\.idx$/

const headerShape = z.object({
  bytes: z.number(),
  previousSize: z.number().nullable(),
  counts: z.record(z.string(), z.object({ lines: z.number(), taken: z.number() })),
})
const entryShape = z.object({
  n: z.number(),
  o: z.number(),
  t: z.number(),
  s: z.string(),
  c: z.enum(['out', 'err', 'slipway']),
  r: z.number(),
})

export function segmentPath(folder: string, first: number, writer: number): string {
  return join(folder, `${String(first).padStart(12, '0')}.${writer}`)
}

/** A name for a source in a table of counts. */
export function sourceKey(source: LogSource): string {
  return `${source.out} ${source.step}`
}

/** Segments in order of their lines. Of two that begin with the same line the later writer's counts. */
export async function listSegments(folder: string): Promise<readonly SegmentName[]> {
  const names = await readdir(folder).catch(emptyWhenMissing)
  const found = names.flatMap((name) => {
    const match = NAME.exec(name)
    return match === null
      ? []
      : [{ first: Number(match[1]), writer: Number(match[2]), path: join(folder, name.slice(0, -4)) }]
  })
  const inOrder = found.toSorted((a, b) => a.first - b.first || a.writer - b.writer)
  return inOrder.filter((segment, index) => inOrder[index + 1]?.first !== segment.first)
}

/** Null while a new segment's header is not yet written, and when the segment has been dropped meanwhile. */
export async function readHeader(segment: SegmentName): Promise<SegmentHeader | null> {
  const text = await readFile(`${segment.path}.idx`, 'utf8').catch(emptyTextWhenMissing)
  const end = text.indexOf('\n')
  return end < 0 ? null : headerShape.parse(JSON.parse(text.slice(0, end)))
}

/** The entries from byte `offset` of the index on that are complete, and where to go on. */
export async function readEntries(
  path: string,
  offset: number,
): Promise<{ entries: readonly IndexEntry[]; offset: number }> {
  const file = await open(`${path}.idx`, 'r').catch(nullWhenMissing)
  if (file === null) return { entries: [], offset }
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.max(0, size - offset)),
      0,
      Math.max(0, size - offset),
      offset,
    )
    const text = buffer.subarray(0, bytesRead)
    const end = text.lastIndexOf(10) + 1
    const lines = text.subarray(0, end).toString().split('\n').slice(0, -1)
    const records = offset === 0 ? lines.slice(1) : lines
    return { entries: records.map((line) => entryShape.parse(JSON.parse(line))), offset: offset + end }
  } finally {
    await file.close()
  }
}

export function nullWhenMissing(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}

function emptyWhenMissing(error: unknown): string[] {
  return nullWhenMissing(error) ?? []
}

function emptyTextWhenMissing(error: unknown): string {
  return nullWhenMissing(error) ?? ''
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
