/**
 * Tells connections that their wait is over. A notification says so at once; because it may be lost, all waits of this
 * process are also looked up together now and then, and with the same rhythm they are shown to be alive.
 */
import { errorMessage } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { PoolSignals, PoolStore } from '../../pool/ports.ts'
import type { Notifications } from '../notifications.ts'
import { POOL_CHANNEL } from './hand-out.ts'

/** Polling is the truth, NOTIFY the hint: a lost hint costs at most this long. */
const POLL_INTERVAL_MS = 2_000

export interface RunningPoolSignals extends PoolSignals {
  stop(): Promise<void>
}

export function startPoolSignals(
  store: Pick<PoolStore, 'settledAmong' | 'seeWaiters'>,
  notifications: Notifications,
  logger: Logger,
): RunningPoolSignals {
  const waits = new Map<string, Set<() => void>>()
  const wake = (id: string): void => waits.get(id)?.forEach((listener) => listener())
  let polling: Promise<void> | null = null

  async function poll(): Promise<void> {
    const ids = [...waits.keys()]
    if (ids.length === 0) return
    try {
      await store.seeWaiters(ids)
      for (const id of await store.settledAmong(ids)) wake(id)
    } catch (error) {
      logger.warn({ err: errorMessage(error) }, 'cannot look after those who wait for an instance')
    }
  }
  const pollOnce = (): void => {
    polling ??= poll().finally(() => {
      polling = null
    })
  }

  const unsubscribe = notifications.subscribe(POOL_CHANNEL, (payload) => {
    if (payload === '') pollOnce()
    else payload.split(' ').forEach(wake)
  })
  const timer = setInterval(pollOnce, POLL_INTERVAL_MS)
  timer.unref()

  return {
    async settled(id, ms, signal) {
      const over = new Promise<boolean>((resolve) => {
        const group = waits.get(id) ?? new Set()
        waits.set(id, group)
        const finish = (isSettled: boolean): void => {
          clearTimeout(limit)
          signal.removeEventListener('abort', abandon)
          group.delete(settle)
          if (group.size === 0) waits.delete(id)
          resolve(isSettled)
        }
        const settle = (): void => finish(true)
        const abandon = (): void => finish(false)
        const limit = setTimeout(abandon, ms)
        signal.addEventListener('abort', abandon, { once: true })
        group.add(settle)
        if (signal.aborted) abandon()
      })
      // It may have been settled between the request and this call.
      const missed = await store.settledAmong([id])
      if (missed.length > 0) wake(id)
      return over
    },
    async stop() {
      clearInterval(timer)
      unsubscribe()
      await polling
    },
  }
}
