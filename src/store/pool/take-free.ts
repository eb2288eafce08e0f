/**
 * The usual case in one statement: nobody waits and something is free. The instance's row lock decides between two
 * that come at once; who finds a row locked takes the next.
 */
import type { Pool, Reservation, ReservationRequest } from '../../pool/ports.ts'
import { sql, type Queryable, type Sql } from '../database.ts'
import { RESERVATION_COLUMNS, reservationValues, toReservation, type ReservationRow } from './reservation-row.ts'

/** Null when it takes more than this: nothing is free, somebody waits, or the repository holds all it may. */
export async function takeFree(db: Queryable, pool: Pool, request: ReservationRequest): Promise<Reservation | null> {
  const row = await db.first<ReservationRow>(sql`
    with chosen as (
      select i.id, i.domain, i.token from pool_instances i
      where i.pool_id = ${pool.id} and i.state = 'free' and not i.is_draining and i.deleted_at is null
        and i.labels @> ${JSON.stringify(request.labels)}::jsonb
        and (${request.instanceId}::bigint is null or i.id = ${request.instanceId}::bigint)
        and not exists (select 1 from pool_reservations w where w.pool_id = ${pool.id} and w.state = 'waiting')
        ${withinLimit(pool, request)}
      order by ${handOutOrder(pool)} limit 1 for update skip locked
    ), reservation as (
      insert into pool_reservations (${RESERVATION_COLUMNS})
      select ${reservationValues(pool, request, 'held')} from chosen returning *
    ), taken as (
      update pool_instances i set state = 'held', since = clock_timestamp() from chosen where i.id = chosen.id
    ), hold as (
      insert into pool_holds (reservation_id, instance_id, since) select r.id, c.id, r.granted_at from reservation r, chosen c
    ), event as (
      insert into pool_events (pool_id, instance_id, reservation_id, kind, actor, client, reason, lasted_ms)
      select r.pool_id, c.id, r.id, 'reserved', r.actor, r.client, r.reason, 0 from reservation r, chosen c
    )
    select r.*, ${pool.name}::text as pool, array[c.id] as instance_ids, array[c.domain] as domains, array[c.token] as tokens
    from reservation r, chosen c`)
  return row === null ? null : toReservation(row)
}

/** The order in which a pool hands out, over `i`. */
export function handOutOrder(pool: Pool): Sql {
  return pool.selection === 'lowest' ? sql`i.id` : sql`i.freed_at, i.id`
}

function withinLimit(pool: Pool, request: ReservationRequest): Sql {
  if (pool.maxHeldPerRepository === null) return sql``
  return sql`and (select coalesce(sum(h.count), 0) from pool_reservations h where h.pool_id = ${pool.id}
    and h.fair_key = ${request.fairKey} and h.state in ('held', 'probing')) < ${pool.maxHeldPerRepository}`
}
