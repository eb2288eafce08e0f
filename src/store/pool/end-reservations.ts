/**
 * How reservations end. Whatever the cause, it is the same few statements, conditional on the state they change, so
 * that of two causes at the same moment exactly one takes effect. An instance that needs cleaning stays out of the
 * pool until its cleaning is proved; one that was to be removed goes now.
 */
import type { EndedHold, Ending, EndOrder, PoolMeter, WakeJob } from '../../pool/ports.ts'
import { sql, type Queryable, type Sql } from '../database.ts'
import { enqueueJobs, JOBS_CHANNEL } from '../jobs.ts'
import { PREPARE_JOB, tellSettled } from './hand-out.ts'

export interface EndedRow extends EndedHold {
  readonly ending: Ending
  readonly heldMs: number
}

/** Ends those held ones for which `which` holds over `r`. */
export async function endHeld(tx: Queryable, which: Sql, order: EndOrder): Promise<readonly EndedRow[]> {
  if (order.failed === true) await keepForDebugging(tx, which, order)
  const rows = await tx.rows<EndedHoldRow>(sql`
    with ended as (
      update pool_reservations r set state = 'ended', ended_at = clock_timestamp(), ending = ${order.ending}
      where r.state in ('held', 'probing') and ${which} ${order.failed === true ? sql`and not r.is_kept_for_debugging` : sql``}
      returning r.id, r.pool_id, r.client
    ), closed as (
      update pool_holds h set until = greatest(clock_timestamp(), h.since) from ended
      where h.reservation_id = ended.id and h.until is null
      returning h.instance_id, h.reservation_id, ended.client, extract(epoch from clock_timestamp() - h.since) * 1000 as held
    ), freed as (
      update pool_instances i set since = clock_timestamp(), freed_at = clock_timestamp(),
        state = case when p.cleaning is null or i.is_leaving then 'free' else 'cleaning' end,
        deleted_at = case when i.is_leaving then clock_timestamp() end
      from closed c, pools p where i.id = c.instance_id and p.id = i.pool_id
      returning i.id, i.pool_id, i.domain, i.state, p.name as pool
    ), event as (
      insert into pool_events (pool_id, instance_id, reservation_id, kind, actor, client, reason, lasted_ms)
      select f.pool_id, f.id, c.reservation_id, ${order.ending}, ${order.actor}, c.client, ${order.reason}, c.held
      from closed c join freed f on f.id = c.instance_id
    )
    select c.reservation_id as "reservationId", f.pool, c.client, f.id as "instanceId", f.domain, f.state,
      c.held::float8 as "heldMs" from closed c join freed f on f.id = c.instance_id order by f.id`)
  await askForCleaning(tx, rows)
  return rows.map((row) => ({ ...row, ending: order.ending }))
}

/** Takes those for which `which` holds over `r` out of the queue and tells whoever waits for them. */
export async function endWaiting(tx: Queryable, which: Sql, order: EndOrder): Promise<number> {
  const rows = await tx.rows<{ id: string; wake_job: WakeJob | null }>(sql`
    with ended as (
      update pool_reservations r set state = 'ended', ended_at = clock_timestamp(), ending = ${order.ending}
      where r.state = 'waiting' and ${which} returning r.*
    ), event as (
      insert into pool_events (pool_id, reservation_id, kind, actor, client, reason, lasted_ms)
      select pool_id, id, ${order.ending}, ${order.actor}, client, ${order.reason},
        extract(epoch from ended_at - created_at) * 1000 from ended
    )
    select id, wake_job from ended`)
  await tellSettled(tx, rows)
  return rows.length
}

/** Waiters that need more instances than their pool has left. */
export async function refuseUnservable(tx: Queryable, poolId: string): Promise<void> {
  await endWaiting(
    tx,
    sql`r.pool_id = ${poolId} and r.count > (select count(*) from pool_instances i where i.pool_id = r.pool_id
      and i.deleted_at is null and not i.is_leaving and i.labels @> r.labels
      and (r.instance_id is null or r.instance_id = i.id))`,
    { ending: 'unservable', actor: 'slipway', reason: 'the instances it needs are no longer in the pool' },
  )
}

export function countEnded(meter: PoolMeter, ended: readonly EndedRow[]): void {
  for (const { pool, heldMs, ending } of ended) {
    meter.held(pool, heldMs)
    meter.ended(pool, ending)
  }
}

/** Those that asked for it stay as they are for a while, once, so that a person can look at what failed. */
async function keepForDebugging(tx: Queryable, which: Sql, order: EndOrder): Promise<void> {
  await tx.run(sql`
    with kept as (
      update pool_reservations r set is_kept_for_debugging = true, heartbeat_ms = null,
        expires_at = least(clock_timestamp() + r.hold_on_failure_ms * interval '1 millisecond',
          r.granted_at + p.max_timeout_ms * interval '1 millisecond')
      from pools p where p.id = r.pool_id and r.state = 'held' and r.hold_on_failure_ms is not null
        and not r.is_kept_for_debugging and ${which}
      returning r.*
    )
    insert into pool_events (pool_id, instance_id, reservation_id, kind, actor, client, reason)
    select k.pool_id, h.instance_id, k.id, 'kept', ${order.actor}, k.client, ${order.reason}
    from kept k join pool_holds h on h.reservation_id = k.id and h.until is null`)
}

async function askForCleaning(tx: Queryable, rows: readonly EndedHoldRow[]): Promise<void> {
  const dirty = rows.filter((row) => row.state === 'cleaning')
  if (dirty.length === 0) return
  await enqueueJobs(
    tx,
    dirty.map(({ instanceId }) => ({
      kind: PREPARE_JOB,
      key: `${PREPARE_JOB}:${instanceId}`,
      payload: { instanceId },
    })),
  )
  await tx.run(sql`select pg_notify(${JOBS_CHANNEL}, '')`)
}

interface EndedHoldRow {
  readonly reservationId: string
  readonly pool: string
  readonly client: string
  readonly instanceId: string
  readonly domain: string
  readonly state: string
  readonly heldMs: number
}
