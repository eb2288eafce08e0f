import { createHash } from 'node:crypto'
import type { Outbox } from '../packages/ports.ts'
import { sql, type Database } from './database.ts'
import { enqueueJobs, JOBS_CHANNEL } from './jobs.ts'
import { toJsonb } from './jsonb.ts'

/** Kind of the job that sends the mails that wait. */
export const MAIL_JOB = 'mail'

/** Puts mails into the outbox that `createMessageStore` reads; a mail and the job that sends it are one transaction. */
export function createMailOutbox(db: Database): Outbox {
  return {
    async post(key, recipient, letter) {
      const messageId = `${createHash('sha256').update(key).digest('hex').slice(0, 32)}@slipway`
      const body = toJsonb({ to: recipient, ...letter, messageId })
      const posted = await db.transaction(async (tx) => {
        const added = await tx.run(sql`insert into notifications (key, channel, body)
          values (${`mail:${key}`}, 'mail', ${body}::jsonb) on conflict (key) do nothing`)
        if (added > 0) await enqueueJobs(tx, [{ kind: MAIL_JOB, key: MAIL_JOB, payload: {}, lane: 'mail' }])
        return added > 0
      })
      if (posted) await db.notify(JOBS_CHANNEL, '')
    },
  }
}
