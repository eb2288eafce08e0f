/**
 * An instance between two users, and a reservation whose instances are asked for their health. Both are the work of a
 * job; what it found is written only under its lease and only if the row still is where the job left it.
 */
import type { Lease } from '../../core/lease.ts'
import type { PoolMeter, PreparationResult, ProbeResult, Reservation, WakeJob } from '../../pool/ports.ts'
import { sql, type Database, type Queryable } from '../database.ts'
import { enqueueJobs, JOBS_CHANNEL, underLease } from '../jobs.ts'
import { endWaiting } from './end-reservations.ts'
import { PREPARE_JOB, tellSettled } from './hand-out.ts'
import { lockPool } from './lock.ts'
import { handOutOpen } from './release.ts'

/** Before an instance that failed its probe is tried again: its fault may pass by itself. */
const PROBE_RETRY_MS = 5_000

export async function finishPreparation(
  db: Database,
  meter: PoolMeter,
  lease: Lease,
  instanceId: string,
  result: PreparationResult,
  durationMs: number,
): Promise<'ready' | 'again' | 'quarantined' | null> {
  const at = await db.first<{ pool_id: string; pool: string }>(sql`
    select i.pool_id, p.name as pool from pool_instances i join pools p on p.id = i.pool_id where i.id = ${instanceId}`)
  if (at === null) return null
  const cause = result.kind === 'failed' ? result.cause : null
  const state = await db.transaction(async (tx) => {
    await lockPool(tx, at.pool_id)
    const changed = await tx.first<{ state: string }>(sql`
      with prepared as (
        update pool_instances i set failures = case when ${cause}::text is null then 0 else i.failures + 1 end,
          last_error = ${cause}, since = clock_timestamp(), freed_at = clock_timestamp(),
          state = case when ${cause}::text is null or i.is_leaving then 'free'
            when i.failures + 1 >= p.quarantine_after then 'quarantined' else 'cleaning' end,
          deleted_at = case when i.is_leaving then clock_timestamp() end
        from pools p where p.id = i.pool_id and i.id = ${instanceId} and i.state = 'cleaning' and i.deleted_at is null
          and ${underLease(lease)}
        returning i.*
      ), event as (
        insert into pool_events (pool_id, instance_id, kind, actor, reason, lasted_ms)
        select pool_id, id, case when ${cause}::text is null then 'cleaned' when state = 'quarantined' then 'quarantined'
          else 'cleaning_failed' end, 'slipway', coalesce(${cause}, ''), ${Math.round(durationMs)}::bigint from prepared
      )
      select state from prepared`)
    if (changed?.state === 'free') await handOutOpen(tx, at.pool_id)
    return changed?.state ?? null
  })
  if (cause !== null && state !== null) meter.failed(at.pool, 'cleaning')
  return state === null ? null : state === 'free' ? 'ready' : state === 'quarantined' ? 'quarantined' : 'again'
}

export async function finishProbe(
  db: Database,
  meter: PoolMeter,
  lease: Lease,
  reservation: Reservation,
  results: readonly ProbeResult[],
): Promise<void> {
  const sick = results.filter((result) => result.cause !== null)
  const at = await db.first<{ pool_id: string }>(
    sql`select pool_id from pool_reservations where id = ${reservation.id}`,
  )
  if (at === null) return
  const waited = await db.transaction(async (tx) => {
    await lockPool(tx, at.pool_id)
    const still = await tx.first<object>(sql`select 1 from pool_reservations
      where id = ${reservation.id} and state = 'probing' and ${underLease(lease)}`)
    if (still === null) return []
    if (sick.length === 0) return await begin(tx, reservation.id)
    await putAside(tx, reservation.id, sick)
    const [waits] = await handOutOpen(tx, at.pool_id)
    await endWaiting(tx, sql`r.id = ${reservation.id} and r.wait_until is null`, {
      ending: 'refused',
      actor: 'slipway',
      reason: 'no healthy instance was free',
    })
    return waits
  })
  sick.forEach(() => meter.failed(reservation.pool, 'health'))
  waited.forEach((ms) => meter.waited(reservation.pool, ms))
}

/** The reservation begins now: its time must not have run while it was being checked. */
async function begin(tx: Queryable, id: string): Promise<readonly number[]> {
  const rows = await tx.rows<{ id: string; wake_job: WakeJob | null; waited: number }>(sql`
    with begun as (
      update pool_reservations r set state = 'held', granted_at = clock_timestamp(), heartbeat_at = clock_timestamp(),
        expires_at = clock_timestamp() + r.timeout_ms * interval '1 millisecond' where r.id = ${id} returning r.*
    ), healthy as (
      update pool_instances i set failures = 0, last_error = null from pool_holds h
      where h.reservation_id = ${id} and h.until is null and i.id = h.instance_id
    ), event as (
      insert into pool_events (pool_id, instance_id, reservation_id, kind, actor, client, reason, lasted_ms)
      select b.pool_id, h.instance_id, b.id, 'reserved', b.actor, b.client, b.reason,
        extract(epoch from b.granted_at - b.created_at) * 1000
      from begun b join pool_holds h on h.reservation_id = b.id and h.until is null
    )
    select id, wake_job, (extract(epoch from granted_at - created_at) * 1000)::float8 as waited from begun`)
  await tellSettled(tx, rows)
  return rows.map((row) => row.waited)
}

/** Sick instances go to be prepared again or to quarantine, the others back; the request keeps its place in the line. */
async function putAside(tx: Queryable, id: string, sick: readonly ProbeResult[]): Promise<void> {
  const rows = await tx.rows<{ id: string; state: string }>(sql`
    with sick as (
      select * from unnest(${sick.map((result) => result.instanceId)}::bigint[], ${sick.map((result) => result.cause)}::text[])
        as s (instance_id, cause)
    ), closed as (
      update pool_holds set until = greatest(clock_timestamp(), since) where reservation_id = ${id} and until is null
      returning instance_id
    ), freed as (
      update pool_instances i set since = clock_timestamp(), freed_at = clock_timestamp(),
        failures = i.failures + case when s.cause is null then 0 else 1 end, last_error = s.cause,
        state = case when s.cause is null or i.is_leaving then 'free'
          when i.failures + 1 >= p.quarantine_after then 'quarantined' else 'cleaning' end,
        deleted_at = case when i.is_leaving then clock_timestamp() end
      from closed c left join sick s on s.instance_id = c.instance_id, pools p
      where i.id = c.instance_id and p.id = i.pool_id returning i.*
    ), event as (
      insert into pool_events (pool_id, instance_id, kind, actor, reason)
      select pool_id, id, case when state = 'quarantined' then 'quarantined' else 'health_failed' end, 'slipway', last_error
      from freed where last_error is not null
    )
    select id, state from freed`)
  await tx.run(
    sql`update pool_reservations set state = 'waiting', granted_at = null, expires_at = null where id = ${id}`,
  )
  const again = rows.filter((row) => row.state === 'cleaning')
  await enqueueJobs(
    tx,
    again.map((row) => ({
      kind: PREPARE_JOB,
      key: `${PREPARE_JOB}:${row.id}`,
      payload: { instanceId: row.id },
      delayMs: PROBE_RETRY_MS,
    })),
  )
  await tx.run(sql`select pg_notify(${JOBS_CHANNEL}, '')`)
}

/** For a preparation that ended without a result: nobody knows what state the instance is in. */
export async function quarantine(db: Database, instanceId: string, cause: string): Promise<void> {
  await db.run(sql`
    with aside as (
      update pool_instances set state = 'quarantined', since = clock_timestamp(), last_error = ${cause}
      where id = ${instanceId} and state = 'cleaning' returning id, pool_id
    )
    insert into pool_events (pool_id, instance_id, kind, actor, reason)
    select pool_id, id, 'quarantined', 'slipway', ${cause} from aside`)
}
