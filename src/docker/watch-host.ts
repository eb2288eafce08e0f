/**
 * A host that hangs keeps a stream open and says nothing, exactly like a step that prints nothing. So while long work
 * goes on, the host is asked beside it whether it is still there.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { DockerEngine } from './engine.ts'
import { pingHost } from './host-info.ts'

/** Between two questions. */
const ASK_INTERVAL_MS = 5_000
/** A busy machine misses one; a host that misses this many in a row (with their limits, about 30 s) is gone. */
const MOST_MISSED = 3
/** While waiting for a host to come back. */
const RETURN_POLL_MS = 1_000

export type Watched<Result> = { readonly kind: 'ended'; readonly result: Result } | { readonly kind: 'silent' }

/** Does the work, whose signal ends it when the host stops answering; what it says after that is not listened to. */
export async function whileHostAnswers<Result>(
  engine: DockerEngine,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Watched<Result>> {
  const silent = new AbortController()
  const done = new AbortController()
  void watch(engine, AbortSignal.any([signal, done.signal]), () => silent.abort(new Error('the Docker host is silent')))
  try {
    const result = await work(AbortSignal.any([signal, silent.signal]))
    return silent.signal.aborted && !signal.aborted ? { kind: 'silent' } : { kind: 'ended', result }
  } finally {
    done.abort()
  }
}

async function watch(engine: DockerEngine, signal: AbortSignal, onSilent: () => void): Promise<void> {
  let missed = 0
  while (missed < MOST_MISSED) {
    await pause(ASK_INTERVAL_MS, signal)
    if (signal.aborted) return
    missed = (await answers(engine)) ? 0 : missed + 1
  }
  if (!signal.aborted) onSilent()
}

/** True as soon as the host answers; false when it has not after `limitMs`, or when the signal aborts. */
export async function untilHostAnswers(engine: DockerEngine, limitMs: number, signal: AbortSignal): Promise<boolean> {
  // By the clock: a time-out signal that only a combined signal refers to may be collected before it fires.
  const until = performance.now() + limitMs
  while (!signal.aborted && performance.now() < until) {
    if (await answers(engine)) return true
    await pause(RETURN_POLL_MS, signal)
  }
  return false
}

async function answers(engine: DockerEngine): Promise<boolean> {
  return await pingHost(engine).then(
    () => true,
    () => false,
  )
}

/** An aborted pause is over, nothing else. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
