/**
 * Logs of runs as folders below one folder. Writers in this process wake readers in this process at once; a writer in
 * another process is noticed by looking at the file.
 */
import { EventEmitter, once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { gapText, type LogLine, type RunLogs } from '../core/run-log.ts'
import { createLineReader } from './log-lines.ts'
import { isSealed, logPieces, type WaitForChange } from './log-pieces.ts'
import { openLogWriter } from './log-writer.ts'
import { listSegments } from './segment.ts'

/** A line must be in a browser within 200 ms; looking at a file costs microseconds. */
const LOOK_INTERVAL_MS = 50
const DEFAULT_PAGE = 1000
const LARGEST_PAGE = 10_000
/** Lines at the end among which a step's last ones are looked for. */
const TAIL_WINDOW = 20_000
/** A run's id becomes a folder's name. */
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/

export interface FolderRunLogsOptions {
  readonly folder: string
  readonly now: () => number
  readonly logger: Logger
}

export function createFolderRunLogs({ folder, now, logger }: FolderRunLogsOptions): RunLogs {
  const changes = new EventEmitter()
  changes.setMaxListeners(0)

  const folderOf = (runId: string): string => {
    if (!RUN_ID.test(runId)) throw new SlipwayError('not_found', 'there is no such run')
    return join(folder, runId.slice(0, 2), runId)
  }
  const waitFor =
    (runId: string): WaitForChange =>
    (signal) =>
      changed(changes, runId, signal)

  return {
    open: (runId, options) => openLogWriter(folderOf(runId), options, now, () => changes.emit(runId), logger),
    async read(runId, { from = 1, limit = DEFAULT_PAGE } = {}) {
      const path = folderOf(runId)
      const sealed = await isSealed(path)
      const lines: LogLine[] = []
      const most = Math.min(limit, LARGEST_PAGE)
      const toLines = createLineReader()
      for await (const piece of logPieces(path, { from }, noWait)) {
        lines.push(...(await toLines(piece)).slice(0, most - lines.length))
        if (lines.length >= most) break
      }
      return { lines, next: (lines.at(-1)?.n ?? Math.max(0, from - 1)) + 1, isSealed: sealed }
    },
    async tail(runId, count, step) {
      const path = folderOf(runId)
      const from = await windowStart(path, step === undefined ? count : Math.max(count, TAIL_WINDOW))
      const kept: LogLine[] = []
      const toLines = createLineReader()
      for await (const piece of logPieces(path, { from }, noWait)) {
        kept.push(...(await toLines(piece)).filter((line) => step === undefined || line.step === step))
        kept.splice(0, Math.max(0, kept.length - count))
      }
      return kept
    },
    async *follow(runId, options = {}) {
      const toLines = createLineReader()
      for await (const piece of logPieces(folderOf(runId), options, waitFor(runId))) yield await toLines(piece)
    },
    async *content(runId, options = {}) {
      for await (const piece of logPieces(folderOf(runId), options, waitFor(runId))) {
        yield piece.kind === 'lines' ? piece.bytes : Buffer.from(`${gapText(piece.lines, piece.bytes)}\n`)
      }
    },
    async remove(runId) {
      await rm(folderOf(runId), { recursive: true, force: true })
    },
  }
}

const noWait: WaitForChange = () => Promise.resolve()

async function changed(changes: EventEmitter, runId: string, signal: AbortSignal | undefined): Promise<void> {
  const settled = new AbortController()
  const stop = signal === undefined ? settled.signal : AbortSignal.any([settled.signal, signal])
  try {
    await Promise.race([once(changes, runId, { signal: stop }), delay(LOOK_INTERVAL_MS, undefined, { signal: stop })])
  } catch (error) {
    if (signal?.aborted !== true) throw error
  } finally {
    settled.abort()
  }
}

/** A line from which on there are at least `count` lines, found without reading the log from its beginning. */
async function windowStart(folder: string, count: number): Promise<number> {
  const last = (await listSegments(folder)).at(-1)
  if (last === undefined) return 1
  let end = last.first
  for await (const piece of logPieces(folder, { from: last.first }, noWait)) {
    if (piece.kind === 'lines') end = piece.first + piece.lines
  }
  return Math.max(1, end - count)
}
