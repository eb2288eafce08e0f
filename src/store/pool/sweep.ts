/**
 * What time ends. Every process sweeps; the database's clock says what is due, the pool's lock lets one of them do it,
 * and the state in each condition makes a second one find nothing. Nothing is armed in memory, so a process that dies
 * takes no timer with it.
 *
 * Silence counts as death only while somebody listened: `steady_since` is when sweeping began without a gap, and
 * whoever owes us a sign of life gets one whole period from then.
 */
import { sql, type Database, type Queryable, type Sql } from '../database.ts'
import type { PoolMeter, SweepResult } from '../../pool/ports.ts'
import { countEnded, endHeld, endWaiting, type EndedRow } from './end-reservations.ts'
import { lockPool } from './lock.ts'
import { handOutOpen } from './release.ts'

/** No sweep for so long, by anybody, was an outage of our own. */
const OUTAGE_MS = 15_000
/** So many heartbeats in a row may be lost before a holder counts as gone. */
const MISSED_HEARTBEATS = 3
/** A run says itself how its reservation ends; when it does not for so long after it completed, the sweep does. */
const RUN_GRACE_MS = 10_000

const NOBODY = { swept: { expired: 0, reaped: 0, gone: 0 }, ended: [], waits: [], name: '' }

export async function sweep(db: Database, meter: PoolMeter): Promise<SweepResult> {
  const steadySince = await noteSweep(db)
  const total = { expired: 0, reaped: 0, gone: 0 }
  for (const poolId of await poolsWithWork(db, steadySince)) {
    const { swept, ended, waits, name } = await sweepPool(db, poolId, steadySince)
    countEnded(meter, ended)
    waits.forEach((ms) => meter.waited(name, ms))
    total.expired += swept.expired
    total.reaped += swept.reaped
    total.gone += swept.gone
  }
  return total
}

async function sweepPool(db: Database, poolId: string, steadySince: Date) {
  return db.transaction(async (tx) => {
    await lockPool(tx, poolId)
    const inPool = (which: Sql): Sql => sql`r.pool_id = ${poolId} and ${which}`
    const by = { actor: 'slipway' }
    const gone = await endWaiting(tx, inPool(isWaiterGone(steadySince)), {
      ...by,
      ending: 'withdrawn',
      reason: 'nobody asked for it any more',
    })
    await endWaiting(tx, inPool(hasGivenUp), { ...by, ending: 'gave_up', reason: 'its wait was over' })
    await endWaiting(tx, inPool(isRunOver), { ...by, ending: 'owner_gone', reason: 'its run ended' })
    const expired = await endHeld(tx, inPool(isDue), { ...by, ending: 'expired', reason: 'its time was over' })
    const reaped = await endHeld(tx, inPool(isSilent(steadySince)), {
      ...by,
      ending: 'reaped',
      reason: 'its heartbeats stopped',
    })
    const orphaned = await endHeld(tx, inPool(isRunOver), { ...by, ending: 'owner_gone', reason: 'its run ended' })
    const [waits, pool] = await handOutOpen(tx, poolId)
    const ended: readonly EndedRow[] = [...expired, ...reaped, ...orphaned]
    return {
      ...NOBODY,
      swept: { expired: expired.length, reaped: reaped.length, gone: gone + orphaned.length },
      ended,
      waits,
      name: pool?.name ?? '',
    }
  })
}

const isDue = sql`r.expires_at <= clock_timestamp()`
const hasGivenUp = sql`r.wait_until <= clock_timestamp()`
const isRunOver = sql`(r.run_id is not null and not r.is_kept_for_debugging and exists (
  select 1 from runs where runs.id = r.run_id and runs.state = 'completed'
    and runs.completed_at < clock_timestamp() - ${RUN_GRACE_MS}::float8 * interval '1 millisecond'))`

function isWaiterGone(steadySince: Date): Sql {
  return sql`(r.waiter_ttl_ms is not null and greatest(r.waiter_seen_at, ${steadySince}::timestamptz)
    + r.waiter_ttl_ms * interval '1 millisecond' <= clock_timestamp())`
}

function isSilent(steadySince: Date): Sql {
  return sql`(r.heartbeat_ms is not null
    and r.heartbeat_at + ${MISSED_HEARTBEATS} * r.heartbeat_ms * interval '1 millisecond' <= clock_timestamp()
    and ${steadySince}::timestamptz + r.heartbeat_ms * interval '1 millisecond' <= clock_timestamp())`
}

/** Looked up without a lock; what is found is asked again under it. */
async function poolsWithWork(db: Queryable, steadySince: Date): Promise<readonly string[]> {
  const rows = await db.rows<{ pool_id: string }>(sql`
    select r.pool_id from pool_reservations r where r.state in ('held', 'probing') and (${isDue} or ${isSilent(steadySince)})
    union
    select r.pool_id from pool_reservations r where r.state = 'waiting' and (${hasGivenUp} or ${isWaiterGone(steadySince)})
    union
    select r.pool_id from pool_reservations r where r.state <> 'ended' and ${isRunOver}
    union
    select r.pool_id from pool_reservations r where r.state = 'waiting' and exists (
      select 1 from pool_instances i where i.pool_id = r.pool_id and i.state = 'free' and not i.is_draining
        and i.deleted_at is null and i.labels @> r.labels and (r.instance_id is null or r.instance_id = i.id))`)
  return rows.map((row) => row.pool_id)
}

async function noteSweep(db: Queryable): Promise<Date> {
  const row = await db.first<{ steady_since: Date }>(sql`
    update pool_sweeps set swept_at = clock_timestamp(), steady_since = case
      when clock_timestamp() - swept_at > ${OUTAGE_MS}::float8 * interval '1 millisecond' then clock_timestamp() else steady_since end
    returning steady_since`)
  return row?.steady_since ?? new Date(0)
}
