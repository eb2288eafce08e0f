/**
 * One LISTEN connection for the whole process. A notification is a hint that saves waiting: whoever subscribes also
 * looks by itself now and then, and is called once after every reconnect, because hints were lost meanwhile.
 */
import type pg from 'pg'
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Database } from './database.ts'

const RECONNECT_DELAY_MS = 1_000

export type Unsubscribe = () => void

export interface Notifications {
  /** Calls `listener` with the payload of each notification, and with '' after a reconnect. */
  subscribe(channel: string, listener: (payload: string) => void): Unsubscribe
  stop(): Promise<void>
}

export async function startNotifications(db: Database, logger: Logger): Promise<Notifications> {
  const listeners = new Map<string, Set<(payload: string) => void>>()
  let client: pg.Client | null = null
  let stopped = false
  let retry: NodeJS.Timeout | undefined

  const reconnectSoon = (): void => {
    client = null
    if (stopped) return
    clearTimeout(retry)
    retry = setTimeout(() => {
      connect().catch((error: unknown) => {
        logger.warn({ err: errorMessage(error) }, 'cannot listen for notifications')
        reconnectSoon()
      })
    }, RECONNECT_DELAY_MS)
    retry.unref()
  }

  async function connect(): Promise<void> {
    const fresh = await db.connect()
    fresh.on('error', (error) => logger.warn({ err: error.message }, 'the notification connection broke'))
    fresh.on('end', () => {
      if (client === fresh) reconnectSoon()
    })
    fresh.on('notification', ({ channel, payload }) => {
      for (const listener of listeners.get(channel) ?? []) listener(payload ?? '')
    })
    client = fresh
    for (const channel of listeners.keys()) await fresh.query(`listen ${fresh.escapeIdentifier(channel)}`)
    for (const group of listeners.values()) for (const listener of group) listener('')
  }

  await connect()
  return {
    subscribe(channel, listener) {
      const group = listeners.get(channel) ?? new Set()
      if (!listeners.has(channel)) {
        listeners.set(channel, group)
        client?.query(`listen ${client.escapeIdentifier(channel)}`).catch((error: unknown) => {
          logger.warn({ channel, err: errorMessage(error) }, 'cannot listen on a channel yet')
        })
      }
      group.add(listener)
      return () => group.delete(listener)
    },
    async stop() {
      stopped = true
      clearTimeout(retry)
      const last = client
      client = null
      await last?.end()
    },
  }
}
