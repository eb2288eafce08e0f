/**
 * Reads a log while it is being written, by this process or another one. A reader has an open file and a position and
 * nothing else in common with the writer, so it can neither slow it nor lose its place: it goes on where the file
 * grows, and moves to the next segment when there is one.
 */
import { access, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { FollowLogOptions } from '../core/run-log.ts'
import { countLines } from './line-assembler.ts'
import { listSegments, nullWhenMissing, readEntries, readHeader, SEAL_FILE, type SegmentName } from './segment.ts'

export type LogPiece =
  /** Whole lines; `offset` is where they stand in the segment. */
  | {
      readonly kind: 'lines'
      readonly first: number
      readonly lines: number
      readonly bytes: Buffer
      readonly segment: SegmentName
      readonly offset: number
    }
  | { readonly kind: 'gap'; readonly last: number; readonly lines: number; readonly bytes: number }

/** Waits until the log may have grown; resolves as well when it has not. */
export type WaitForChange = (signal: AbortSignal | undefined) => Promise<void>

const READ_BYTES = 128 * 1024
const NEWLINE = 10

interface Place {
  readonly segment: SegmentName
  readonly file: FileHandle
  /** Bytes of all lines before this segment. */
  readonly bytesBefore: number
  line: number
  offset: number
}

export async function* logPieces(
  folder: string,
  options: FollowLogOptions,
  wait: WaitForChange,
): AsyncGenerator<LogPiece> {
  const wanted = Math.max(1, options.from ?? 1)
  const isAborted = (): boolean => options.signal?.aborted === true
  let place: Place | null = null
  try {
    while (!isAborted()) {
      // Looked at before the reading, so that a seal set in between never hides the last lines.
      const isOver = options.follow !== true || (await isSealed(folder)) || (await options.isOver?.()) === true
      place ??= await enter(folder, wanted)
      let hasNext = false
      if (place !== null) {
        const next: SegmentName | undefined = (await listSegments(folder)).find(
          ({ first, writer }) =>
            first > (place?.segment.first ?? 0) || (first === place?.segment.first && writer > place.segment.writer),
        )
        const header = next === undefined ? null : await readHeader(next)
        const bound = header?.previousSize ?? Number.POSITIVE_INFINITY
        for await (const piece of readOn(place, header === null ? Number.POSITIVE_INFINITY : bound)) {
          if (isAborted()) return
          yield piece
        }
        if (next !== undefined && header !== null) {
          const missing = next.first - place.line
          if (missing > 0) {
            const bytes = header.bytes - place.bytesBefore - place.offset
            yield { kind: 'gap', last: next.first - 1, lines: missing, bytes }
          }
          const moved = await openSegment(next, header.bytes)
          if (moved !== null) {
            await place.file.close()
            place = { ...moved, line: next.first }
            hasNext = true
          }
        }
      }
      if (hasNext) continue
      if (isOver) return
      await wait(options.signal)
    }
  } finally {
    await place?.file.close()
  }
}

export async function isSealed(folder: string): Promise<boolean> {
  return (await access(join(folder, SEAL_FILE)).then(() => true, nullWhenMissing)) === true
}

/** Everything that is there now, in whole lines. */
async function* readOn(place: Place, bound: number): AsyncGenerator<LogPiece> {
  for (;;) {
    const wanted = Math.min(READ_BYTES, bound - place.offset)
    if (wanted <= 0) return
    const { buffer, bytesRead } = await place.file.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, place.offset)
    const end = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1
    if (end === 0) return
    const bytes = buffer.subarray(0, end)
    const piece = {
      kind: 'lines',
      first: place.line,
      lines: countLines(bytes),
      bytes,
      segment: place.segment,
      offset: place.offset,
    } as const
    place.offset += end
    place.line += piece.lines
    yield piece
    if (bytesRead < wanted) return
  }
}

/** Opens the segment that holds the line, or the last one before it, at that line or at its end. */
async function enter(folder: string, line: number): Promise<Place | null> {
  const segments = await listSegments(folder)
  const index = Math.max(
    0,
    segments.findLastIndex(({ first }) => first <= line),
  )
  const segment = segments[index]
  const header = segment === undefined ? null : await readHeader(segment)
  if (segment === undefined || header === null) return null
  const place = await openSegment(segment, header.bytes)
  if (place === null) return null
  const next = segments[index + 1]
  const bound = (next === undefined ? null : await readHeader(next))?.previousSize ?? Number.POSITIVE_INFINITY
  await seek(place, line, bound)
  return place
}

async function openSegment(segment: SegmentName, bytesBefore: number): Promise<Place | null> {
  const file = await open(`${segment.path}.log`, 'r').catch(nullWhenMissing)
  return file === null ? null : { segment, file, bytesBefore, line: segment.first, offset: 0 }
}

async function seek(place: Place, line: number, bound: number): Promise<void> {
  const { entries } = await readEntries(place.segment.path, 0)
  const near = entries.findLast((entry) => entry.n <= line && entry.o < bound)
  if (near !== undefined) {
    place.line = near.n
    place.offset = near.o
  }
  while (place.line < line) {
    const before = { line: place.line, offset: place.offset }
    const { value } = await readOn(place, bound).next()
    if (value === undefined || value.kind !== 'lines') return
    if (place.line <= line) continue
    // The line is within this piece: go back to where it begins.
    place.line = line
    place.offset = before.offset + lineStart(value.bytes, line - before.line)
  }
}

/** Where the line that follows `lines` line breaks begins. */
export function lineStart(bytes: Buffer, lines: number): number {
  let at = 0
  for (let count = 0; count < lines; count += 1) at = bytes.indexOf(NEWLINE, at) + 1
  return at
}
