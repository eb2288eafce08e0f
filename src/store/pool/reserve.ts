/** Reserving: the quick way when nobody waits, else through the queue, where everyone's turn is worked out. */
import type { Pool, PoolMeter, Reservation, ReservationRequest, ReserveOutcome } from '../../pool/ports.ts'
import { isUniqueViolation, sql, type Database, type Queryable } from '../database.ts'
import { handOut } from './hand-out.ts'
import { lockPool } from './lock.ts'
import { readReservations, RESERVATION_COLUMNS, reservationValues } from './reservation-row.ts'
import { takeFree } from './take-free.ts'

export async function reserve(
  db: Database,
  meter: PoolMeter,
  pool: Pool,
  request: ReservationRequest,
): Promise<ReserveOutcome> {
  const earlier = await findEarlier(db, pool, request)
  if (earlier !== null) return earlier
  try {
    if (request.count === 1 && pool.health === null) {
      const taken = await takeFree(db, pool, request)
      if (taken !== null) {
        meter.waited(pool.name, 0)
        return { kind: 'granted', reservation: taken }
      }
    }
    return (await refuseEarly(db, pool, request)) ?? (await queueUp(db, meter, pool, request))
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    // Somebody with the same key, run or client was quicker by a moment; their reservation is the answer.
    const same = await findEarlier(db, pool, request)
    return same ?? { kind: 'duplicate', untilNextEndMs: await untilNextEnd(db, pool) }
  }
}

/** The reservation that this very request made before: same key, or same run. */
async function findEarlier(db: Queryable, pool: Pool, request: ReservationRequest): Promise<ReserveOutcome | null> {
  const [reservation] =
    request.runId !== null
      ? await readReservations(db, sql`r.run_id = ${request.runId} and r.state <> 'ended'`)
      : request.idempotencyKey !== null
        ? await readReservations(
            db,
            sql`r.pool_id = ${pool.id} and r.actor = ${request.actor}
            and r.idempotency_key = ${request.idempotencyKey}`,
          )
        : []
  return reservation === undefined ? null : outcomeOf(reservation)
}

function outcomeOf(reservation: Reservation): ReserveOutcome {
  switch (reservation.state) {
    case 'held':
      return { kind: 'granted', reservation }
    case 'probing':
      return { kind: 'probing', reservation }
    case 'ended':
      return { kind: 'ended', reservation }
    case 'waiting':
      return { kind: 'waiting', reservation }
  }
}

/** What needs no lock to be refused: asking a full pool without waiting is the common case under load. */
async function refuseEarly(db: Queryable, pool: Pool, request: ReservationRequest): Promise<ReserveOutcome | null> {
  const facts = await db.first<{
    open: boolean
    matching: number
    free: number
    held: number
    waiting: number
    next: number | null
  }>(sql`
    with fitting as (
      select i.state = 'free' and not i.is_draining as is_free from pool_instances i
      where i.pool_id = ${pool.id} and i.deleted_at is null and not i.is_leaving
        and i.labels @> ${JSON.stringify(request.labels)}::jsonb
        and (${request.instanceId}::bigint is null or i.id = ${request.instanceId}::bigint)
    ), own as (
      select state, count from pool_reservations where pool_id = ${pool.id} and fair_key = ${request.fairKey} and state <> 'ended'
    )
    select (select count(*)::int from fitting) as matching, (select count(*)::int from fitting where is_free) as free,
      exists (select 1 from pool_reservations where ${request.isExclusive} and is_exclusive and pool_id = ${pool.id}
        and client = ${request.client} and state <> 'ended') as open,
      (select coalesce(sum(count), 0)::int from own where state in ('held', 'probing')) as held,
      (select count(*)::int from own where state = 'waiting') as waiting,
      ${nextEnd(pool)} as next`)
  if (facts === null) return null
  if (facts.open) return await adoptWaiter(db, pool, request, facts.next)
  if (facts.matching < request.count) return { kind: 'unservable', matching: facts.matching }
  const { maxHeldPerRepository: maxHeld, maxWaitingPerRepository: maxWaiting } = pool
  if (request.wait === null) {
    if (maxHeld !== null && facts.held + request.count > maxHeld)
      return { kind: 'limit_reached', limit: 'held', max: maxHeld }
    return facts.free < request.count ? { kind: 'none_free', untilNextEndMs: facts.next } : null
  }
  if (maxWaiting !== null && facts.waiting >= maxWaiting && facts.free < request.count) {
    return { kind: 'limit_reached', limit: 'waiting', max: maxWaiting }
  }
  return null
}

/**
 * The client is there already. When it waits and asks to wait again, its earlier connection is lost: the new one takes
 * over its place, and the old one can no longer withdraw it by ending.
 */
async function adoptWaiter(
  db: Queryable,
  pool: Pool,
  request: ReservationRequest,
  untilNextEndMs: number | null,
): Promise<ReserveOutcome> {
  const adopted =
    request.wait === null
      ? 0
      : await db.run(sql`
          update pool_reservations set waiter_id = ${request.wait.waiterId}, waiter_seen_at = clock_timestamp(),
            wait_until = clock_timestamp() + ${request.wait.forMs}::float8 * interval '1 millisecond'
          where pool_id = ${pool.id} and client = ${request.client} and is_exclusive and state = 'waiting'`)
  if (adopted === 0) return { kind: 'duplicate', untilNextEndMs }
  const [reservation] = await readReservations(
    db,
    sql`r.pool_id = ${pool.id} and r.client = ${request.client} and r.is_exclusive and r.state <> 'ended'`,
  )
  return reservation === undefined ? { kind: 'duplicate', untilNextEndMs } : outcomeOf(reservation)
}

async function queueUp(
  db: Database,
  meter: PoolMeter,
  pool: Pool,
  request: ReservationRequest,
): Promise<ReserveOutcome> {
  const [outcome, waits] = await db.transaction(async (tx) => {
    await lockPool(tx, pool.id)
    const queued = await tx.first<{ id: string }>(sql`
      with queued as (
        insert into pool_reservations (${RESERVATION_COLUMNS}) select ${reservationValues(pool, request, 'waiting')} returning *
      ), event as (
        insert into pool_events (pool_id, reservation_id, kind, actor, client, reason)
        select pool_id, id, 'queued', actor, client, reason from queued where ${request.wait !== null}
      )
      select id from queued`)
    if (queued === null) throw new Error('a reservation was not written')
    const handedOut = await handOut(tx, pool)
    const [reservation] = await readReservations(tx, sql`r.id = ${queued.id}`)
    if (reservation === undefined) throw new Error('a reservation was not found again')
    const result = outcomeOf(reservation)
    if (result.kind !== 'waiting') return [result, handedOut] as const
    if (request.wait === null) {
      // Only its turn was worked out; it never stood in the line.
      await tx.run(sql`delete from pool_reservations where id = ${queued.id}`)
      const refused: ReserveOutcome = { kind: 'none_free', untilNextEndMs: await untilNextEnd(tx, pool) }
      return [refused, handedOut] as const
    }
    return [result, handedOut] as const
  })
  waits.forEach((ms) => meter.waited(pool.name, ms))
  return outcome
}

async function untilNextEnd(db: Queryable, pool: Pool): Promise<number | null> {
  const row = await db.first<{ next: number | null }>(sql`select ${nextEnd(pool)} as next`)
  return row?.next ?? null
}

function nextEnd(pool: Pool) {
  return sql`(select (extract(epoch from min(expires_at) - clock_timestamp()) * 1000)::float8 from pool_reservations
    where pool_id = ${pool.id} and state in ('held', 'probing'))`
}
