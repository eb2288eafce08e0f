import type { PackageOutcome } from '../core/package-report.ts'
import type { RunStore } from '../core/run-store.ts'

/** Ends the work from outside: a person, the time limit, or the process itself (which is no outcome). */
export interface EndWatch {
  readonly signal: AbortSignal
  /** Why it ended, null when it was not by a person or the limit. */
  outcome(limitMs: number): PackageOutcome | null
  stop(): void
}

export function watchForEnd(options: {
  readonly runs: Pick<RunStore, 'onCancel'>
  readonly runId: string
  /** Aborts when the lease is lost or the process stops. */
  readonly signal: AbortSignal
  readonly leftMs: number
}): EndWatch {
  const controller = new AbortController()
  let why: { readonly kind: 'cancelled'; readonly message: string } | { readonly kind: 'timed_out' } | null = null
  const end = (cause: NonNullable<typeof why>): void => {
    if (controller.signal.aborted) return
    why = cause
    controller.abort()
  }
  const timer = setTimeout(() => end({ kind: 'timed_out' }), options.leftMs)
  const unsubscribe = options.runs.onCancel(options.runId, ({ reason }) => end({ kind: 'cancelled', message: reason }))
  const follow = (): void => controller.abort()
  options.signal.addEventListener('abort', follow, { once: true })
  if (options.signal.aborted) follow()
  return {
    signal: controller.signal,
    outcome: (limitMs) => (why?.kind === 'timed_out' ? { kind: 'timed_out', limitMs } : why),
    stop() {
      clearTimeout(timer)
      unsubscribe()
      options.signal.removeEventListener('abort', follow)
    },
  }
}
