/** Messages to people outside GitHub. The key says what is told; the same thing is never told twice. */
import type { MessageStore } from '../mail/notify-ports.ts'
import type { OutboxMessage } from '../deployment/ports.ts'
import { sql, type Database, type Queryable } from './database.ts'
import { enqueueJobs } from './jobs.ts'
import { toJsonb } from './jsonb.ts'

/** Kind of the job that sends what waits. */
export const NOTIFY_JOB = 'notify'

export async function enqueueMessage(tx: Queryable, message: OutboxMessage): Promise<void> {
  await tx.run(sql`insert into notifications (key, channel, body)
    values (${message.key}, ${message.channel}, ${toJsonb(message.body)}::jsonb)
    on conflict (key) do nothing`)
  await enqueueJobs(tx, [{ kind: NOTIFY_JOB, key: NOTIFY_JOB, payload: {}, lane: 'notify' }])
}

interface MessageRow {
  readonly id: string
  readonly channel: OutboxMessage['channel']
  readonly body: OutboxMessage['body']
  readonly failures: number
}

export function createMessageStore(db: Database): MessageStore {
  return {
    async next(channels) {
      const row = await db.first<MessageRow>(sql`select id, channel, body, failures from notifications
        where sent_at is null and given_up_at is null and next_try_at <= now() and channel = any(${[...channels]})
        order by id limit 1`)
      return row
    },
    async untilNext(channels) {
      const row = await db.first<{ wait: number | null }>(sql`
        select (extract(epoch from min(next_try_at) - now()) * 1000)::float8 as wait from notifications
        where sent_at is null and given_up_at is null and channel = any(${[...channels]})`)
      return row?.wait == null ? null : Math.max(0, row.wait)
    },
    async markSent(id) {
      await db.run(sql`update notifications set sent_at = now() where id = ${id}`)
    },
    async markFailed(id, cause, retryInMs) {
      await db.run(sql`update notifications set failures = failures + 1, last_error = ${cause},
        next_try_at = now() + ${retryInMs} * interval '1 millisecond' where id = ${id}`)
    },
    async giveUp(id, cause) {
      await db.run(sql`update notifications set given_up_at = now(), last_error = ${cause} where id = ${id}`)
    },
  }
}
