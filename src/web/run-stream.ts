/**
 * What an open run page hears, as server-sent events: `log` (HTML of new lines; its id is the last line's number, so a
 * browser that comes back continues there), `run` (HTML of what changed about the run) and `end`. A reader that is slow
 * waits for itself: nothing is read from the disk before it took what there was.
 */
import type { LogLine, RunLogs } from '../core/run-log.ts'
import { createLogPainter } from './log-html.ts'
import type { Listen } from './ports.ts'

/** Proxies cut connections on which nothing moves for half a minute. */
const PING_MS = 20_000
/** A lost notification must not leave a page wrong for long. */
const LOOK_MS = 2_000

export interface RunStreamDeps {
  readonly logs: RunLogs
  readonly listen: Listen
  /** The part of the page that changes, and whether the run has ended. */
  readonly show: () => Promise<{ readonly html: string; readonly isOver: boolean }>
}

export async function* runStream(
  deps: RunStreamDeps,
  { runId, from, signal }: { readonly runId: string; readonly from: number; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const paint = createLogPainter()
  const changes = watch(deps.listen, runId)
  let isOver = false
  const lines = deps.logs
    .follow(runId, { from, follow: true, signal, isOver: async () => isOver })
    [Symbol.asyncIterator]()
  let shown = ''
  let pingedAt = performance.now()
  let batch = lines.next()
  let change = changes.next()
  yield Buffer.from('retry: 1000\n\n')
  try {
    // The log is sealed a moment before the run's end is written: the page hears of both.
    for (let isLogOver = false; !isLogOver || !isOver;) {
      if (signal.aborted) return
      const news: IteratorResult<readonly LogLine[], unknown> | 'changed' = await (isLogOver
        ? change
        : Promise.race([batch, change]))
      if (news !== 'changed') {
        isLogOver = news.done === true
        if (news.done === true) continue
        yield event('log', { html: paint(news.value) }, news.value.at(-1)?.n)
        batch = lines.next()
        continue
      }
      change = changes.next()
      const now = await deps.show()
      isOver = now.isOver
      if (now.html !== shown) yield event('run', { html: now.html })
      shown = now.html
      if (performance.now() - pingedAt > PING_MS) {
        yield Buffer.from(': ping\n\n')
        pingedAt = performance.now()
      }
    }
    yield event('end', {})
  } finally {
    changes.stop()
    await lines.return?.()
  }
}

function event(name: string, data: object, id?: number): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** `next()` resolves when something about the run changed since it was last asked, or when it is time to look. */
function watch(listen: Listen, runId: string): { next(): Promise<'changed'>; stop(): void } {
  let isChanged = true
  let waiting: { readonly promise: Promise<'changed'>; readonly resolve: (news: 'changed') => void } | null = null
  const tell = (): void => {
    isChanged = waiting === null
    waiting?.resolve('changed')
    waiting = null
  }
  const unlisten = listen((changed) => {
    if (changed === runId || changed === '') tell()
  })
  const timer = setInterval(tell, LOOK_MS)
  return {
    next() {
      if (isChanged) {
        isChanged = false
        return Promise.resolve('changed')
      }
      waiting ??= withResolver()
      return waiting.promise
    },
    stop() {
      clearInterval(timer)
      unlisten()
    },
  }
}

function withResolver(): { promise: Promise<'changed'>; resolve: (news: 'changed') => void } {
  let resolve: (news: 'changed') => void = () => undefined
  const promise = new Promise<'changed'>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
