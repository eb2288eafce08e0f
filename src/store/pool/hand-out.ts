/**
 * Gives free instances to whoever is next, within the transaction that made them free. The caller holds the pool's
 * lock alone; instances that a newcomer is taking at this moment are passed over.
 */
import { chooseGrants, type FreeInstance, type Grant, type Pool, type WakeJob } from '../../pool/ports.ts'
import { enqueueJobs, JOBS_CHANNEL } from '../jobs.ts'
import { sql, type Queryable } from '../database.ts'
import { servable } from './queue.ts'
import { handOutOrder } from './take-free.ts'

/** Carries ids of reservations that no longer wait, separated by spaces. */
export const POOL_CHANNEL = 'slipway_pool'
/** A notification may be 8000 bytes long; an id with its space is 37. */
const IDS_PER_NOTIFICATION = 200

/** The job that asks instances for their health before they are handed out. */
export const PROBE_JOB = 'pool-probe'
/** The job that cleans an instance between two users. */
export const PREPARE_JOB = 'pool-prepare'

/** How long each of those who were served had waited. */
export async function handOut(tx: Queryable, pool: Pool): Promise<readonly number[]> {
  const waits: number[] = []
  for (;;) {
    // The cheap question first: the lock is held, and usually nothing is free while somebody waits.
    const free = await tx.rows<FreeInstance>(sql`
      select i.id, i.labels from pool_instances i
      where i.pool_id = ${pool.id} and i.state = 'free' and not i.is_draining and i.deleted_at is null
      order by ${handOutOrder(pool)} for update skip locked`)
    if (free.length === 0) return waits
    const grants = chooseGrants(await servable(tx, pool), free)
    if (grants.length === 0) return waits
    waits.push(...(await apply(tx, pool, grants)))
    if (grants.length === free.length) return waits
  }
}

async function apply(tx: Queryable, pool: Pool, grants: readonly Grant[]): Promise<readonly number[]> {
  const state = pool.health === null ? 'held' : 'probing'
  const reservationIds = grants.map((grant) => grant.reservationId)
  const served = await tx.rows<{ id: string; wake_job: WakeJob | null; waited: number }>(sql`
    with granted as (
      select * from unnest(${reservationIds}::uuid[], ${grants.map((grant) => grant.instanceId)}::bigint[])
        as g (reservation_id, instance_id)
    ), reservation as (
      update pool_reservations r set state = ${state}, granted_at = clock_timestamp(), heartbeat_at = clock_timestamp(),
        expires_at = clock_timestamp() + r.timeout_ms * interval '1 millisecond'
      where r.id in (select reservation_id from granted) returning r.*
    ), taken as (
      update pool_instances i set state = 'held', since = clock_timestamp() from granted g where i.id = g.instance_id
    ), hold as (
      insert into pool_holds (reservation_id, instance_id, since)
      select r.id, g.instance_id, r.granted_at from reservation r join granted g on g.reservation_id = r.id
    ), event as (
      insert into pool_events (pool_id, instance_id, reservation_id, kind, actor, client, reason, lasted_ms)
      select r.pool_id, g.instance_id, r.id, case when ${state} = 'held' then 'reserved' else 'probing' end, r.actor,
        r.client, r.reason, extract(epoch from r.granted_at - r.created_at) * 1000
      from reservation r join granted g on g.reservation_id = r.id
    )
    select id, wake_job, (extract(epoch from granted_at - created_at) * 1000)::float8 as waited,
      case when state = 'held' then pg_notify(${POOL_CHANNEL}, id::text) end from reservation`)
  if (state === 'held') {
    await wakeJobs(tx, served)
    return served.map((row) => row.waited)
  }
  await enqueueJobs(
    tx,
    served.map(({ id }) => ({ kind: PROBE_JOB, key: `${PROBE_JOB}:${id}`, payload: { reservationId: id } })),
  )
  await tx.run(sql`select pg_notify(${JOBS_CHANNEL}, '')`)
  return []
}

/** Wakes whoever waits for these: connections by a notification, stages by their job. */
export async function tellSettled(
  tx: Queryable,
  settled: readonly { readonly id: string; readonly wake_job: WakeJob | null }[],
): Promise<void> {
  for (let start = 0; start < settled.length; start += IDS_PER_NOTIFICATION) {
    const ids = settled.slice(start, start + IDS_PER_NOTIFICATION).map(({ id }) => id)
    await tx.run(sql`select pg_notify(${POOL_CHANNEL}, ${ids.join(' ')})`)
  }
  await wakeJobs(tx, settled)
}

async function wakeJobs(tx: Queryable, settled: readonly { readonly wake_job: WakeJob | null }[]): Promise<void> {
  const jobs = settled.flatMap(({ wake_job: job }) => (job === null ? [] : [job]))
  if (jobs.length === 0) return
  await enqueueJobs(tx, jobs)
  await tx.run(sql`select pg_notify(${JOBS_CHANNEL}, '')`)
}
