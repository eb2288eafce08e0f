/**
 * What is repeated for ever: sweeps, reconciliation, retention. A tick is asked for as a job with a key, so that of all
 * processes one does it, and never two at once; the chore itself must be safe to repeat.
 */
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

export interface Chore {
  readonly name: string
  readonly everyMs: number
  run(): Promise<void>
}

export interface Ticker {
  stop(): Promise<void>
}

/** Runs each chore at once and then every `everyMs` after its last end; a failing chore is logged and tried again. */
export function startTicker(chores: readonly Chore[], logger: Logger): Ticker {
  let isStopped = false
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()

  function schedule(chore: Chore, delayMs: number): void {
    if (isStopped) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      const turn = chore
        .run()
        .catch((error: unknown) => logger.warn({ chore: chore.name, err: errorMessage(error) }, 'a chore failed'))
        .finally(() => {
          running.delete(turn)
          schedule(chore, chore.everyMs)
        })
      running.add(turn)
    }, delayMs)
    timer.unref()
    timers.add(timer)
  }

  chores.forEach((chore) => schedule(chore, 0))
  return {
    async stop() {
      isStopped = true
      timers.forEach((timer) => clearTimeout(timer))
      await Promise.allSettled(running)
    },
  }
}
