/** The pool's data as the native API shows it: snake case, ISO times, seconds. */
import type { z } from '@hono/zod-openapi'
import {
  estimateWaitMs,
  tokenContext,
  type Cleaning,
  type Instance,
  type Pool,
  type PoolEvent,
  type PoolOverview,
  type PoolStore,
  type QueueEntry,
  type Reservation,
  type TokenCipher,
} from '../pool/index.ts'
import type { Identity } from './authenticate.ts'
import type { EventAnswer, InstanceAnswer, PoolAnswer, QueueEntryAnswer, ReservationAnswer } from './pool-schemas.ts'

export function presentPool({ pool, counts, medianHoldMs }: PoolOverview): z.infer<typeof PoolAnswer> {
  const { cleaning, health } = pool
  return {
    name: pool.name,
    timeout_seconds: pool.timeoutMs / 1000,
    max_timeout_seconds: pool.maxTimeoutMs / 1000,
    cleaning: cleaning === null ? null : presentCleaning(cleaning),
    health: health === null ? null : { path: health.path, timeout_seconds: health.timeoutMs / 1000 },
    selection: pool.selection,
    quarantine_after: pool.quarantineAfter,
    max_held_per_repository: pool.maxHeldPerRepository,
    max_waiting_per_repository: pool.maxWaitingPerRepository,
    source: pool.source,
    counts,
    median_hold_seconds: seconds(medianHoldMs),
  }
}

export function presentInstance(instance: Instance): z.infer<typeof InstanceAnswer> {
  const { holder } = instance
  return {
    id: instance.id,
    pool: instance.pool,
    domain: instance.domain,
    url: `https://${instance.domain}`,
    labels: instance.labels,
    note: instance.note,
    state: instance.state,
    draining: instance.isDraining,
    leaving: instance.isLeaving,
    failures: instance.failures,
    last_error: instance.lastError,
    source: instance.source,
    since: instance.since.toISOString(),
    holder:
      holder === null
        ? null
        : {
            reservation: holder.reservationId,
            generation: holder.generation,
            client: holder.client,
            reason: holder.reason,
            repository: holder.repository,
            run_id: holder.runId,
            since: holder.since.toISOString(),
            until: holder.until.toISOString(),
            kept_for_debugging: holder.isKeptForDebugging,
          },
  }
}

/** The tokens of its instances are shown to the token that reserved them and to nobody else. */
export async function presentReservation(
  deps: { readonly store: PoolStore; readonly cipher: TokenCipher },
  reservation: Reservation,
  identity: Identity,
): Promise<z.infer<typeof ReservationAnswer>> {
  const isHolder = identity.actor === reservation.actor
  const line = await lineOf(deps.store, reservation)
  return {
    id: reservation.id,
    generation: reservation.generation,
    pool: reservation.pool,
    state: reservation.state === 'probing' ? 'waiting' : reservation.state,
    client: reservation.client,
    reason: reservation.reason,
    repository: reservation.repository,
    run_id: reservation.runId,
    count: reservation.count,
    labels: reservation.labels,
    priority: reservation.priority,
    created_at: reservation.createdAt.toISOString(),
    granted_at: reservation.grantedAt?.toISOString() ?? null,
    expires_at: reservation.expiresAt?.toISOString() ?? null,
    ended_at: reservation.endedAt?.toISOString() ?? null,
    ending: reservation.ending,
    kept_for_debugging: reservation.isKeptForDebugging,
    heartbeat_seconds: seconds(reservation.heartbeatMs),
    ...line,
    instances:
      reservation.state !== 'held'
        ? []
        : reservation.instances.map((instance) => ({
            id: instance.id,
            domain: instance.domain,
            url: `https://${instance.domain}`,
            token: isHolder ? deps.cipher.open(instance.sealedToken, tokenContext(instance.domain)) : null,
          })),
  }
}

async function lineOf(
  store: PoolStore,
  reservation: Reservation,
): Promise<{ readonly place: number | null; readonly estimated_wait_seconds: number | null }> {
  if (reservation.state !== 'waiting') return { place: null, estimated_wait_seconds: null }
  const [place, pool] = await Promise.all([store.placeOf(reservation.id), store.findPool(reservation.pool)])
  if (place === null || pool === null) return { place, estimated_wait_seconds: null }
  return { place, estimated_wait_seconds: seconds(estimateWaitMs(place, await paceOf(store, pool))) }
}

export function presentQueue(
  entries: readonly QueueEntry[],
  pace: Awaited<ReturnType<typeof paceOf>>,
): z.infer<typeof QueueEntryAnswer>[] {
  return entries.map((entry) => ({
    id: entry.id,
    place: entry.place,
    client: entry.client,
    repository: entry.repository,
    run_id: entry.runId,
    priority: entry.priority,
    count: entry.count,
    labels: entry.labels,
    since: entry.createdAt.toISOString(),
    estimated_wait_seconds: seconds(estimateWaitMs(entry.place, pace)),
  }))
}

export async function paceOf(store: PoolStore, pool: Pool) {
  return { ...(await store.pace(pool)), defaultTimeoutMs: pool.timeoutMs }
}

export function presentEvent(event: PoolEvent): z.infer<typeof EventAnswer> {
  return {
    id: event.id,
    at: event.at.toISOString(),
    kind: event.kind,
    instance: event.instanceId,
    domain: event.domain,
    reservation: event.reservationId,
    client: event.client,
    actor: event.actor,
    reason: event.reason,
    lasted_seconds: seconds(event.lastedMs),
  }
}

function presentCleaning(cleaning: Cleaning) {
  const common = { timeout_seconds: cleaning.timeoutMs / 1000 }
  return cleaning.kind === 'http'
    ? { url: cleaning.url, ...common }
    : { image: cleaning.image, commands: cleaning.commands, ...common }
}

function seconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : Math.round(milliseconds) / 1000
}
