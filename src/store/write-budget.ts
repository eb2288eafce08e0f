/**
 * GitHub's limits on writes, shared by all processes: a bucket of ten writes per installation that refills at one a
 * second, and never more than 80 created objects a minute or 500 an hour. On the database's clock.
 */
import type { WriteBudgetStore } from '../github/ports.ts'
import { sql, type Database } from './database.ts'

const BUCKET_SIZE = 10
const REFILL_PER_SECOND = 1
const CREATIONS_PER_MINUTE = 80
const CREATIONS_PER_HOUR = 500

export function createWriteBudgetStore(db: Database): WriteBudgetStore {
  return {
    take: (installationId, isCreation) =>
      db.transaction(async (tx) => {
        await tx.run(sql`insert into write_budgets (installation_id, tokens) values (${installationId}, ${BUCKET_SIZE})
          on conflict do nothing`)
        const budget = await tx.first<{ tokens: number; blocked_ms: number | null }>(sql`
          select least(${BUCKET_SIZE}, tokens + extract(epoch from now() - refilled_at) * ${REFILL_PER_SECOND})::float8 as tokens,
            (extract(epoch from blocked_until - now()) * 1000)::float8 as blocked_ms
          from write_budgets where installation_id = ${installationId} for update`)
        if (budget === null) return 0
        if (budget.blocked_ms !== null && budget.blocked_ms > 0) return Math.ceil(budget.blocked_ms)
        if (budget.tokens < 1) return Math.ceil(((1 - budget.tokens) / REFILL_PER_SECOND) * 1000)
        if (isCreation) {
          const waitMs = await creationWait(tx, installationId)
          if (waitMs > 0) return waitMs
          await tx.run(sql`insert into created_objects (installation_id) values (${installationId})`)
        }
        await tx.run(sql`update write_budgets set tokens = ${budget.tokens - 1}, refilled_at = now()
          where installation_id = ${installationId}`)
        return 0
      }),
    async block(installationId, forMs) {
      await db.run(sql`
        insert into write_budgets (installation_id, tokens, blocked_until)
        values (${installationId}, 0, now() + ${forMs} * interval '1 millisecond')
        on conflict (installation_id) do update set
          blocked_until = greatest(write_budgets.blocked_until, excluded.blocked_until)`)
    },
  }
}

/** Milliseconds until one more object may be created: the time at which the oldest of a full window leaves it. */
async function creationWait(tx: Pick<Database, 'first' | 'run'>, installationId: number): Promise<number> {
  await tx.run(
    sql`delete from created_objects where installation_id = ${installationId} and created_at < now() - interval '1 hour'`,
  )
  const row = await tx.first<{ minute_ms: number | null; hour_ms: number | null }>(sql`
    select
      (select extract(epoch from created_at + interval '1 minute' - now()) * 1000 from created_objects
        where installation_id = ${installationId} order by created_at desc offset ${CREATIONS_PER_MINUTE - 1} limit 1)::float8 as minute_ms,
      (select extract(epoch from created_at + interval '1 hour' - now()) * 1000 from created_objects
        where installation_id = ${installationId} order by created_at desc offset ${CREATIONS_PER_HOUR - 1} limit 1)::float8 as hour_ms`)
  return Math.ceil(Math.max(0, row?.minute_ms ?? 0, row?.hour_ms ?? 0))
}
