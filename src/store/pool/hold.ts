/** What happens to a reservation between its beginning and its end. */
import type { Pool, PoolMeter, Reservation, ReservationRequest } from '../../pool/ports.ts'
import { writeAudit } from '../audit.ts'
import { sql, type Database } from '../database.ts'
import { countEnded, endHeld, endWaiting } from './end-reservations.ts'
import { handOutOpen } from './release.ts'
import { lockPool } from './lock.ts'
import { readReservations, RESERVATION_COLUMNS, reservationValues } from './reservation-row.ts'

/** Moves the end to `byMs` from now, never past the pool's maximum and never back. */
export async function extend(
  db: Database,
  id: string,
  byMs: number,
  actor: string,
): Promise<{ readonly until: Date; readonly gained: boolean } | null> {
  return db.first<{ until: Date; gained: boolean }>(sql`
    with wanted as (
      select r.id, r.expires_at as former, greatest(r.expires_at, least(clock_timestamp() + ${byMs}::float8 * interval '1 millisecond',
        r.granted_at + p.max_timeout_ms * interval '1 millisecond')) as until
      from pool_reservations r join pools p on p.id = r.pool_id
      where r.id = ${id} and r.state = 'held' and r.expires_at > clock_timestamp() for update of r
    ), extended as (
      update pool_reservations r set expires_at = w.until from wanted w where r.id = w.id returning r.*, w.former
    ), event as (
      insert into pool_events (pool_id, instance_id, reservation_id, kind, actor, client, reason)
      select e.pool_id, h.instance_id, e.id, 'extended', ${actor}, e.client, 'until ' || to_char(e.expires_at at time zone 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS"Z"')
      from extended e join pool_holds h on h.reservation_id = e.id and h.until is null where e.expires_at > e.former
    )
    select expires_at as until, expires_at > former as gained from extended`)
}

export async function beat(db: Database, id: string): Promise<boolean> {
  const changed = await db.run(sql`update pool_reservations set heartbeat_at = clock_timestamp()
    where id = ${id} and state = 'held' and expires_at > clock_timestamp()`)
  return changed > 0
}

export async function seeWaiters(db: Database, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db.run(sql`update pool_reservations set waiter_seen_at = clock_timestamp()
    where id = any(${[...ids]}::uuid[]) and state = 'waiting'`)
}

export async function settledAmong(db: Database, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return []
  const rows = await db.rows<{ id: string }>(sql`
    select id from pool_reservations where id = any(${[...ids]}::uuid[]) and state not in ('waiting', 'probing')`)
  return rows.map((row) => row.id)
}

/**
 * The connection that waited has ended. Its answer can no longer arrive, so what was granted at the same moment goes
 * back; unless another connection of the same client took the place over.
 */
export async function hangUp(db: Database, meter: PoolMeter, id: string, waiterId: string): Promise<void> {
  const row = await db.first<{ pool_id: string }>(sql`select pool_id from pool_reservations where id = ${id}`)
  if (row === null) return
  const reason = 'the client hung up'
  const ended = await db.transaction(async (tx) => {
    await lockPool(tx, row.pool_id)
    const mine = sql`r.id = ${id} and r.waiter_id = ${waiterId}`
    await endWaiting(tx, mine, { ending: 'withdrawn', actor: 'slipway', reason })
    const held = await endHeld(tx, mine, { ending: 'withdrawn', actor: 'slipway', reason })
    if (held.length > 0) await handOutOpen(tx, row.pool_id)
    return held
  })
  countEnded(meter, ended)
}

/** Ends the holder's whole reservation and gives this one instance of it to the thief, cleaned or not. */
export async function steal(
  db: Database,
  meter: PoolMeter,
  pool: Pool,
  instanceId: string,
  request: ReservationRequest,
  reason: string,
): Promise<Reservation | null> {
  const [ended, stolen] = await db.transaction(async (tx) => {
    await lockPool(tx, pool.id)
    const victim = sql`r.id = (select h.reservation_id from pool_holds h join pool_instances i on i.id = h.instance_id
      where h.instance_id = ${instanceId} and h.until is null and i.pool_id = ${pool.id} and not i.is_leaving)`
    const held = await endHeld(tx, victim, { ending: 'stolen', actor: request.actor, reason })
    if (held.length === 0) return [held, null] as const
    const taken = await tx.first<{ id: string }>(sql`
      with reservation as (
        insert into pool_reservations (${RESERVATION_COLUMNS}) select ${reservationValues(pool, request, 'held')} returning *
      ), taken as (
        update pool_instances set state = 'held', since = clock_timestamp() where id = ${instanceId}
      ), hold as (
        insert into pool_holds (reservation_id, instance_id, since) select id, ${instanceId}, granted_at from reservation
      )
      insert into pool_events (pool_id, instance_id, reservation_id, kind, actor, client, reason, lasted_ms)
      select pool_id, ${instanceId}, id, 'reserved', actor, client, ${reason}, 0 from reservation returning reservation_id as id`)
    await writeAudit(tx, {
      actor: request.actor,
      action: 'instance.steal',
      subject: `pool:${pool.name}/${held.find((row) => row.instanceId === instanceId)?.domain ?? instanceId}`,
      detail: { reason, from: held[0]?.client ?? '' },
    })
    const [reservation] = await readReservations(tx, sql`r.id = ${taken?.id ?? null}`)
    await handOutOpen(tx, pool.id)
    return [held, reservation ?? null] as const
  })
  countEnded(meter, ended)
  return stolen
}
