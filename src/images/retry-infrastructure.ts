/**
 * What is nobody's commit's fault is tried again before anybody hears of it: once on the host, after it answers again,
 * and a few times when GitHub does not hand out the source, whose outages are short.
 */
import type { ImageResult } from './deployability-result.ts'
import type { BuildLog } from './ports.ts'

/** Pauses before each further try, in milliseconds. */
const PAUSES_MS = { host: [1_000], github: [2_000, 5_000, 10_000, 20_000] } as const

export interface Try {
  readonly result: ImageResult
  /** Who has to get well before a further try makes sense; null: the result stands. */
  readonly waitsFor: keyof typeof PAUSES_MS | null
}

export interface RetryDeps {
  readonly signal: AbortSignal
  readonly log: Pick<BuildLog, 'note'>
  /** Ends early when the signal aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>
  /** Waits for the host to answer; false when it does not. */
  awaitHost(): Promise<boolean>
}

export async function retryInfrastructure(deps: RetryDeps, once: () => Promise<Try>): Promise<ImageResult> {
  const tried = { host: 0, github: 0 }
  for (;;) {
    const { result, waitsFor } = await once()
    if (waitsFor === null || deps.signal.aborted) return result
    const pauseMs = PAUSES_MS[waitsFor][tried[waitsFor]]
    if (pauseMs === undefined) return result
    tried[waitsFor] += 1
    deps.log.note(`Slipway's side failed, so this is tried again: ${result.cause ?? 'no cause was given'}`)
    await deps.pause(pauseMs, deps.signal)
    if (waitsFor === 'host' && !(await deps.awaitHost())) return result
  }
}
