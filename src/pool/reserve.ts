/** Reserving as its callers see it: the request is checked, the place in the line waited for, and left when nobody waits. */
import { checkRequest, type Problem, type RequestInput } from './check-request.ts'
import type { Pool, Reservation } from './pool.ts'
import type { PoolSignals, PoolStore, ReserveOutcome } from './ports.ts'

/** A wait on an open connection is shown to be alive well within this time. */
export const CONNECTED_WAITER_TTL_MS = 30_000
/** A waiter that asks again and again has to do so within this time. */
export const POLLING_WAITER_TTL_MS = 60_000
/** A health probe that was begun is waited for, also by those who do not want to queue. */
const PROBE_PATIENCE_MS = 60_000

export interface ReserveDeps {
  readonly store: PoolStore
  readonly signals: PoolSignals
}

export type Answer = Exclude<ReserveOutcome, { kind: 'probing' }> | Problem | { readonly kind: 'hung_up' }

/** Reserves or queues, at once. A probe in progress is waited for. */
export async function reserve(
  deps: ReserveDeps,
  pool: Pool,
  input: RequestInput,
  signal: AbortSignal,
): Promise<Answer> {
  const checked = checkRequest(input, pool)
  if (checked.kind === 'invalid') return checked
  const outcome = await deps.store.reserve(pool, checked.request)
  if (outcome.kind !== 'probing') return outcome
  await deps.signals.settled(outcome.reservation.id, PROBE_PATIENCE_MS, signal)
  return afterWait(deps, outcome.reservation)
}

/**
 * Reserves, and stays on the line up to `forMs`. Whoever aborts `signal` leaves the line; what was granted at the same
 * moment goes back, because its answer cannot arrive any more.
 */
export async function reserveConnected(
  deps: ReserveDeps,
  pool: Pool,
  input: RequestInput,
  forMs: number,
  waiterId: string,
  signal: AbortSignal,
): Promise<Answer> {
  const wait = forMs === 0 ? null : { forMs, ttlMs: CONNECTED_WAITER_TTL_MS, waiterId, wakeJob: null }
  const answer = await reserve(deps, pool, { ...input, wait }, signal)
  if (answer.kind !== 'waiting') return answer
  const { id } = answer.reservation
  await deps.signals.settled(id, forMs, signal)
  if (signal.aborted) {
    await deps.store.hangUp(id, waiterId)
    return { kind: 'hung_up' }
  }
  const after = await afterWait(deps, answer.reservation)
  if (after.kind !== 'waiting') return after
  await deps.store.hangUp(id, waiterId)
  const pace = await deps.store.pace(pool)
  return { kind: 'none_free', untilNextEndMs: pace.medianHoldMs }
}

async function afterWait(
  deps: ReserveDeps,
  reservation: Reservation,
): Promise<Exclude<ReserveOutcome, { kind: 'probing' }>> {
  const now = await deps.store.findReservation(reservation.id)
  switch (now?.state) {
    case 'held':
      return { kind: 'granted', reservation: now }
    case 'waiting':
    case 'probing':
      return { kind: 'waiting', reservation: now }
    case 'ended':
      return now.ending === 'unservable'
        ? { kind: 'unservable', matching: 0 }
        : { kind: 'none_free', untilNextEndMs: null }
    case undefined:
      return { kind: 'none_free', untilNextEndMs: null }
  }
}
