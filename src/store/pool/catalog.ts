/** The pools themselves: made, changed and closed, each change with its audit row. */
import type { Pool, PoolOverview, PoolSettings, Source } from '../../pool/ports.ts'
import { writeAudit } from '../audit.ts'
import { sql, type Database, type Queryable } from '../database.ts'
import { endWaiting, refuseUnservable } from './end-reservations.ts'
import { lockPool } from './lock.ts'
import { readPools } from './pool-row.ts'

/** Holds that the pace of a pool is worked out from. */
const PACE_SAMPLE = 100

/** A closed pool of that name is opened again. */
export async function createPool(
  db: Database,
  name: string,
  settings: PoolSettings,
  source: Source,
  actor: string,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const created = await tx.run(sql`
      insert into pools (name, timeout_ms, max_timeout_ms, cleaning, health, selection, quarantine_after,
        max_held_per_repository, max_waiting_per_repository, source)
      values (${name}, ${settings.timeoutMs}, ${settings.maxTimeoutMs}, ${toJson(settings.cleaning)}::jsonb,
        ${toJson(settings.health)}::jsonb, ${settings.selection}, ${settings.quarantineAfter},
        ${settings.maxHeldPerRepository}, ${settings.maxWaitingPerRepository}, ${source})
      on conflict (name) do update set timeout_ms = excluded.timeout_ms, max_timeout_ms = excluded.max_timeout_ms,
        cleaning = excluded.cleaning, health = excluded.health, selection = excluded.selection,
        quarantine_after = excluded.quarantine_after, max_held_per_repository = excluded.max_held_per_repository,
        max_waiting_per_repository = excluded.max_waiting_per_repository, source = excluded.source, closed_at = null
      where pools.closed_at is not null`)
    if (created === 0) return false
    await writeAudit(tx, { actor, action: 'pool.create', subject: `pool:${name}`, detail: { ...settings } })
    return true
  })
}

export async function editPool(
  db: Database,
  pool: Pool,
  settings: PoolSettings,
  source: Source,
  actor: string,
): Promise<void> {
  await db.transaction(async (tx) => {
    const changed = await tx.run(sql`
      update pools set timeout_ms = ${settings.timeoutMs}, max_timeout_ms = ${settings.maxTimeoutMs},
        cleaning = ${toJson(settings.cleaning)}::jsonb, health = ${toJson(settings.health)}::jsonb,
        selection = ${settings.selection}, quarantine_after = ${settings.quarantineAfter},
        max_held_per_repository = ${settings.maxHeldPerRepository},
        max_waiting_per_repository = ${settings.maxWaitingPerRepository}, source = ${source}
      where id = ${pool.id} and (timeout_ms, max_timeout_ms, cleaning, health, selection, quarantine_after,
        max_held_per_repository, max_waiting_per_repository, source) is distinct from
        (${settings.timeoutMs}::bigint, ${settings.maxTimeoutMs}::bigint, ${toJson(settings.cleaning)}::jsonb,
         ${toJson(settings.health)}::jsonb, ${settings.selection}::text, ${settings.quarantineAfter}::int,
         ${settings.maxHeldPerRepository}::int, ${settings.maxWaitingPerRepository}::int, ${source}::text)`)
    if (changed === 0) return
    await writeAudit(tx, { actor, action: 'pool.edit', subject: `pool:${pool.name}`, detail: { ...settings } })
  })
}

/** Nobody waits there any more; instances go as they become free; the history stays. */
export async function closePool(db: Database, pool: Pool, actor: string): Promise<void> {
  await db.transaction(async (tx) => {
    await lockPool(tx, pool.id)
    await tx.run(sql`update pools set closed_at = now() where id = ${pool.id} and closed_at is null`)
    await endWaiting(tx, sql`r.pool_id = ${pool.id}`, { ending: 'unservable', actor, reason: 'the pool was closed' })
    await tx.run(sql`update pool_instances set is_draining = true, is_leaving = true,
        deleted_at = case when state = 'held' then null else clock_timestamp() end
      where pool_id = ${pool.id} and deleted_at is null`)
    await refuseUnservable(tx, pool.id)
    await writeAudit(tx, { actor, action: 'pool.close', subject: `pool:${pool.name}` })
  })
}

export async function readOverviews(db: Queryable): Promise<readonly PoolOverview[]> {
  const pools = await readPools(db, sql`true`)
  const counts = await db.rows<CountsRow>(sql`
    select p.id, count(i.id) filter (where i.state = 'free' and not i.is_draining)::int as free,
      count(i.id) filter (where i.state = 'held')::int as held, count(i.id) filter (where i.state = 'cleaning')::int as cleaning,
      count(i.id) filter (where i.state = 'quarantined')::int as quarantined,
      count(i.id) filter (where i.is_draining)::int as draining,
      (select count(*)::int from pool_reservations r where r.pool_id = p.id and r.state = 'waiting') as waiting
    from pools p left join pool_instances i on i.pool_id = p.id and i.deleted_at is null
    where p.closed_at is null group by p.id`)
  return Promise.all(
    pools.map(async (pool) => {
      const { id: _id, ...own } = counts.find((row) => row.id === pool.id) ?? NO_COUNTS
      return { pool, counts: own, ...(await readPace(db, pool.id)) }
    }),
  )
}

export async function readPace(
  db: Queryable,
  poolId: string,
): Promise<{ readonly capacity: number; readonly medianHoldMs: number | null }> {
  const row = await db.first<{ capacity: number; median: number | null }>(sql`
    select (select count(*)::int from pool_instances where pool_id = ${poolId} and deleted_at is null and not is_draining
        and state <> 'quarantined') as capacity,
      (select percentile_cont(0.5) within group (order by lasted_ms) from (
        select lasted_ms from pool_events where pool_id = ${poolId} and kind in ('released', 'expired', 'stolen', 'reaped', 'owner_gone')
          and instance_id is not null order by id desc limit ${PACE_SAMPLE}) as last) as median`)
  return { capacity: row?.capacity ?? 0, medianHoldMs: row?.median ?? null }
}

interface CountsRow {
  readonly id: string
  readonly free: number
  readonly held: number
  readonly cleaning: number
  readonly quarantined: number
  readonly draining: number
  readonly waiting: number
}

const NO_COUNTS: CountsRow = { id: '', free: 0, held: 0, cleaning: 0, quarantined: 0, draining: 0, waiting: 0 }

function toJson(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value)
}
