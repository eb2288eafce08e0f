/**
 * The one writer of a run's log. Blocks of whole lines wait in memory only while an earlier block is being written;
 * whatever came meanwhile is written with the next one, so a slow program's line is on disk at once and a flood is
 * written in large pieces. When the disk is slower than the program, `write` makes the caller wait.
 *
 * Past half of the limit a log keeps its newest segments only: the oldest one behind the head is removed whenever a
 * new one begins. A disk that is full must not end the run: the lines that could not be written count as left out.
 */
import { mkdir, open, rm, unlink, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { LogSource, OpenLogOptions, RunLogWriter } from '../core/run-log.ts'
import { createLineAssembler, type LineAssembler, type LineBlock } from './line-assembler.ts'
import { recoverLog } from './recover-log.ts'
import {
  listSegments,
  nullWhenMissing,
  SEAL_FILE,
  segmentPath,
  sourceKey,
  type IndexEntry,
  type SegmentHeader,
  type SourceCount,
} from './segment.ts'

/** Segments that fit into the limit; half of them are the head. Fewer would make the gap coarse, more the folder full. */
const SEGMENTS = 8
/** Bytes that may wait for the disk before the caller has to. */
const MAX_PENDING_BYTES = 1024 * 1024

interface PendingBlock extends LineBlock {
  readonly source: LogSource
  readonly at: number
}

interface OpenSegment {
  readonly text: FileHandle
  readonly index: FileHandle
  readonly path: string
  size: number
}

export async function openLogWriter(
  folder: string,
  options: OpenLogOptions,
  now: () => number,
  onChange: () => void,
  logger: Logger,
): Promise<RunLogWriter> {
  await mkdir(folder, { recursive: true })
  await rm(join(folder, SEAL_FILE), { force: true })
  const position = await recoverLog(folder)
  const segmentBytes = Math.max(1, Math.floor(options.limitBytes / SEGMENTS))
  const assemblers = new Map<string, LineAssembler>()
  const counts = position.counts
  let { nextLine, bytes, lastSize } = position
  let segment: OpenSegment | null = null
  let pending: PendingBlock[] = []
  let pendingBytes = 0
  let writing: Promise<void> | null = null
  let isBroken = false

  const assemblerOf = (source: LogSource): LineAssembler => {
    const key = sourceKey(source)
    const found = assemblers.get(key) ?? createLineAssembler(options.masker)
    assemblers.set(key, found)
    return found
  }

  const add = (source: LogSource, block: LineBlock): Promise<void> => {
    pending.push({ ...block, source, at: now() })
    pendingBytes += block.bytes.length
    writing ??= drain().finally(() => {
      writing = null
    })
    return pendingBytes > MAX_PENDING_BYTES ? writing : Promise.resolve()
  }

  async function drain(): Promise<void> {
    while (pending.length > 0) {
      // At most a segment at a time, or a flood would fill one far beyond its share of the limit.
      const room = Math.max(1, segmentBytes - (segment?.size ?? 0))
      let size = 0
      const fitting = pending.findIndex((block) => (size += block.bytes.length) > room)
      const blocks = pending.splice(0, fitting < 0 ? pending.length : Math.max(1, fitting))
      pendingBytes -= blocks.reduce((sum, block) => sum + block.bytes.length, 0)
      await writeBlocks(blocks)
      onChange()
    }
  }

  async function writeBlocks(blocks: readonly PendingBlock[]): Promise<void> {
    const startsAt = nextLine
    try {
      segment ??= await beginSegment()
      const { text, index, size } = segment
      await index.appendFile(
        entriesOf(blocks, startsAt, size, counts)
          .map((entry) => `${JSON.stringify(entry)}\n`)
          .join(''),
      )
      await writeAll(
        text,
        blocks.map((block) => block.bytes),
      )
      isBroken = false
    } catch (error) {
      if (!isBroken)
        logger.error({ folder, err: errorMessage(error) }, 'a log cannot be written; its lines are left out')
      isBroken = true
    }
    for (const block of blocks) {
      const key = sourceKey(block.source)
      const before = counts.get(key)
      counts.set(key, { lines: (before?.lines ?? 0) + block.lines, taken: (before?.taken ?? 0) + block.taken })
      nextLine += block.lines
      bytes += block.bytes.length
      if (segment !== null && !isBroken) segment.size += block.bytes.length
    }
    // After a failure the next lines begin a segment of their own, with the gap before it.
    if (segment !== null && (isBroken || segment.size >= segmentBytes)) await endSegment()
  }

  async function beginSegment(): Promise<OpenSegment> {
    await dropOldSegments()
    const path = segmentPath(folder, nextLine, position.writer)
    const header: SegmentHeader = { bytes, previousSize: lastSize, counts: Object.fromEntries(counts) }
    // The text first: a reader that sees the index finds it.
    const text = await open(`${path}.log`, 'w')
    const index = await open(`${path}.idx`, 'a').catch(async (error: unknown) => {
      await text.close()
      throw error
    })
    await index.appendFile(`${JSON.stringify(header)}\n`)
    return { text, index, path, size: 0 }
  }

  async function endSegment(): Promise<void> {
    const ended = segment
    segment = null
    if (ended === null) return
    lastSize = ended.size
    await Promise.all([ended.text.close(), ended.index.close()])
  }

  async function dropOldSegments(): Promise<void> {
    const segments = await listSegments(folder)
    const head = SEGMENTS / 2
    // With the one that begins now, the tail is as long as the head.
    for (const old of segments.slice(head, Math.max(head, segments.length - (head - 1)))) {
      await Promise.all(
        [unlink(`${old.path}.log`), unlink(`${old.path}.idx`)].map((gone) => gone.catch(nullWhenMissing)),
      )
    }
  }

  async function settle(): Promise<void> {
    while (writing !== null) await writing
  }

  return {
    async write(source, chunk) {
      const block = assemblerOf(source).push(chunk)
      if (block !== null) await add(source, block)
    },
    async note(text, step = '') {
      const source: LogSource = { step, out: 'slipway' }
      const block = assemblerOf(source).push(Buffer.from(`${text}\n`))
      if (block !== null) await add(source, block)
    },
    async end(source) {
      const block = assemblers.get(sourceKey(source))?.end() ?? null
      assemblers.delete(sourceKey(source))
      if (block !== null) await add(source, block)
      await settle()
    },
    linesOf: (source) => counts.get(sourceKey(source))?.lines ?? 0,
    resumeAt: (source) => position.resumes.get(sourceKey(source)) ?? { bytes: 0, lines: 0, at: 0 },
    flush: settle,
    async seal() {
      for (const assembler of assemblers.entries()) {
        const block = assembler[1].end()
        if (block !== null) await add(parseKey(assembler[0]), block)
      }
      await settle()
      await endSegment()
      const extent = { lines: nextLine - 1, bytes }
      await writeFile(join(folder, SEAL_FILE), JSON.stringify(extent))
      onChange()
      return extent
    },
    async close() {
      await settle()
      await endSegment()
    },
  }
}

/** One entry for each change of speaker within the blocks. */
function entriesOf(
  blocks: readonly PendingBlock[],
  firstLine: number,
  offset: number,
  counts: ReadonlyMap<string, SourceCount>,
): readonly IndexEntry[] {
  const entries: IndexEntry[] = []
  const taken = new Map<string, number>()
  let n = firstLine
  let o = offset
  for (const { source, at, ...block } of blocks) {
    const last = entries.at(-1)
    const key = sourceKey(source)
    const before = taken.get(key) ?? counts.get(key)?.taken ?? 0
    if (last === undefined || last.s !== source.step || last.c !== source.out || last.t !== at) {
      entries.push({ n, o, t: at, s: source.step, c: source.out, r: before })
    }
    taken.set(key, before + block.taken)
    n += block.lines
    o += block.bytes.length
  }
  return entries
}

async function writeAll(file: FileHandle, blocks: readonly Buffer[]): Promise<void> {
  await file.appendFile(blocks.length === 1 && blocks[0] !== undefined ? blocks[0] : Buffer.concat(blocks))
}

function parseKey(key: string): LogSource {
  const out = key.slice(0, key.indexOf(' '))
  return { step: key.slice(key.indexOf(' ') + 1), out: out === 'err' || out === 'slipway' ? out : 'out' }
}
