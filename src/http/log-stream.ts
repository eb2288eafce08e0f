/**
 * A run's log in every form in which it can be read, with one cursor: the number of a line. Each reader has a place of
 * its own in files on the disk; a slow one waits for itself and for nobody else.
 */
import type { LogLine, RunLogs } from '../core/run-log.ts'
import type { Run } from '../core/run.ts'
import { wireStatus } from './run-status.ts'

/** Proxies cut connections on which nothing moves for half a minute. */
export const PING_INTERVAL_MS = 20_000
/** How often a waiting reader asks whether a run without a sealed log has ended. */
const LOOK_AT_RUN_MS = 1_000
/** The log is sealed a moment before the run's end is written. */
const END_WAIT_MS = 100
const END_WAIT_ATTEMPTS = 100

export interface LogStreamDeps {
  readonly logs: RunLogs
  readonly runOf: (runId: string) => Promise<Run | null>
}

export type LogForm = 'text' | 'ndjson'

/** `?from=N` starts with line N; `Last-Event-ID: N` goes on with the line after it. Null for what is no number of a line. */
export function firstLine(from: string | undefined, lastEventId: string | undefined): number | null {
  const number = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null)
  if (from !== undefined) return number(from)
  if (lastEventId === undefined || lastEventId === '') return 1
  const last = number(lastEventId)
  return last === null ? null : last + 1
}

export interface LogRequest {
  readonly runId: string
  readonly from: number
  readonly follow: boolean
  readonly signal: AbortSignal
}

export function logContent(deps: LogStreamDeps, request: LogRequest, form: LogForm): AsyncIterable<Buffer> {
  return form === 'text' ? deps.logs.content(request.runId, withEnd(deps, request)) : logNdjson(deps, request)
}

async function* logNdjson(deps: LogStreamDeps, request: LogRequest): AsyncGenerator<Buffer> {
  for await (const lines of deps.logs.follow(request.runId, withEnd(deps, request))) {
    yield Buffer.from(lines.map((line) => `${JSON.stringify(wireLine(line))}\n`).join(''))
  }
}

/** Server-sent events: `log` with the line's number as id, at last `end` with the status. */
export async function* logEvents(deps: LogStreamDeps, request: LogRequest): AsyncGenerator<Buffer> {
  yield Buffer.from('retry: 1000\n\n')
  const lines = deps.logs.follow(request.runId, withEnd(deps, request))[Symbol.asyncIterator]()
  let next = lines.next()
  for (;;) {
    const answer = await orPing(next)
    if (answer === 'ping') {
      yield Buffer.from(': ping\n\n')
      continue
    }
    if (answer.done === true) break
    yield Buffer.from(
      answer.value.map((line) => `id: ${line.n}\nevent: log\ndata: ${JSON.stringify(wireLine(line))}\n\n`).join(''),
    )
    next = lines.next()
  }
  if (!request.signal.aborted)
    yield Buffer.from(
      `event: end\ndata: ${JSON.stringify({ end: true, status: await endStatus(deps, request.runId) })}\n\n`,
    )
}

export function logLines(deps: LogStreamDeps, request: LogRequest): AsyncIterable<readonly LogLine[]> {
  return deps.logs.follow(request.runId, withEnd(deps, request))
}

export interface WireLine {
  readonly n: number
  /** ISO 8601. */
  readonly t: string
  readonly step: string
  readonly out: LogLine['out']
  readonly text: string
}

export function wireLine({ n, at, step, out, text }: LogLine): WireLine {
  return { n, t: new Date(at).toISOString(), step, out, text }
}

/** The status with which the run ended, waiting for the moment between the log's end and the run's. */
export async function endStatus(deps: LogStreamDeps, runId: string): Promise<string> {
  for (let attempt = 0; attempt < END_WAIT_ATTEMPTS; attempt += 1) {
    const run = await deps.runOf(runId)
    if (run === null) return 'CANCELED'
    if (run.state === 'completed') return wireStatus(run)
    await new Promise((resolve) => setTimeout(resolve, END_WAIT_MS))
  }
  return 'RUNNING'
}

function withEnd(deps: LogStreamDeps, { runId, from, follow, signal }: LogRequest) {
  let askedAt = 0
  return {
    from,
    follow,
    signal,
    isOver: async (): Promise<boolean> => {
      if (performance.now() - askedAt < LOOK_AT_RUN_MS) return false
      askedAt = performance.now()
      const run = await deps.runOf(runId)
      return run === null || run.state === 'completed'
    },
  }
}

async function orPing<T>(next: Promise<T>): Promise<T | 'ping'> {
  let timer: NodeJS.Timeout | undefined
  const ping = new Promise<'ping'>((resolve) => {
    timer = setTimeout(() => resolve('ping'), PING_INTERVAL_MS)
  })
  try {
    return await Promise.race([next, ping])
  } finally {
    clearTimeout(timer)
  }
}
