/**
 * What a pipeline's stage needs: an instance held in its run's name. All of it may be repeated, because a stage's job
 * may run again after a crash: a run has at most one open reservation, and asking again finds it.
 */
import { checkRequest, type Problem } from './check-request.ts'
import { estimateWaitMs } from './estimate-wait.ts'
import { tokenContext } from './instance-domain.ts'
import type { Labels, Pool, Reservation } from './pool.ts'
import type { PoolStore, TokenCipher, WakeJob } from './ports.ts'

/** How long a stage may stand in the line; its run's own limit usually ends first. */
const RUN_WAIT_MS = 12 * 3_600_000

export interface RunReservationDeps {
  readonly store: PoolStore
  readonly cipher: TokenCipher
}

export interface RunRequest {
  readonly runId: string
  readonly repositoryId: number
  /** `owner/name`. */
  readonly repository: string
  readonly pullRequest: number | null
  readonly branch: string | null
  readonly pool: string
  readonly labels: Labels
  /** Null: the pool's default. */
  readonly timeoutMs: number | null
  readonly holdOnFailureMs?: number | null
  /** Is asked for again as soon as the wait is over. */
  readonly wakeJob: WakeJob
}

export interface RunHold {
  readonly id: string
  readonly domain: string
  readonly token: string
  readonly until: Date
}

export type RunAnswer =
  | { readonly kind: 'granted'; readonly reservation: RunHold }
  | { readonly kind: 'waiting'; readonly place: number; readonly estimateMs: number | null }
  | { readonly kind: 'unknown_pool' }
  /** The pool has no instance, or none with these labels. */
  | { readonly kind: 'unservable' }
  | { readonly kind: 'limit_reached'; readonly max: number }
  | Problem

export async function requestForRun(deps: RunReservationDeps, run: RunRequest): Promise<RunAnswer> {
  const pool = await deps.store.findPool(run.pool)
  if (pool === null) return { kind: 'unknown_pool' }
  const checked = checkRequest(
    {
      client: `run:${run.runId}`,
      actor: run.repository,
      runId: run.runId,
      repository: run.repository,
      repositoryId: run.repositoryId,
      pullRequest: run.pullRequest,
      branch: run.branch,
      labels: run.labels,
      ...(run.timeoutMs === null ? {} : { timeoutMs: Math.min(run.timeoutMs, pool.maxTimeoutMs) }),
      holdOnFailureMs: run.holdOnFailureMs ?? null,
      wait: { forMs: RUN_WAIT_MS, ttlMs: null, waiterId: null, wakeJob: run.wakeJob },
    },
    pool,
  )
  if (checked.kind === 'invalid') return checked
  const outcome = await deps.store.reserve(pool, checked.request)
  switch (outcome.kind) {
    case 'granted':
      return { kind: 'granted', reservation: toHold(deps.cipher, outcome.reservation) }
    case 'probing':
      return waiting(deps, pool, 1)
    case 'waiting':
      return waiting(deps, pool, (await deps.store.placeOf(outcome.reservation.id)) ?? 1)
    case 'unservable':
      return { kind: 'unservable' }
    case 'limit_reached':
      return { kind: 'limit_reached', max: outcome.max }
    case 'none_free':
    case 'duplicate':
    case 'ended':
      // Another process ended it at this very moment; the stage asks again.
      return waiting(deps, pool, 1)
  }
}

/** What the run holds now, for a stage that resumes; null when it holds nothing. */
export async function heldByRun(deps: RunReservationDeps, runId: string): Promise<RunHold | null> {
  const reservation = await deps.store.findByRun(runId)
  return reservation?.state === 'held' ? toHold(deps.cipher, reservation) : null
}

/** `failed`: a stage that asked for `hold_on_failure` keeps its instance for a while. */
export async function releaseForRun(
  deps: Pick<RunReservationDeps, 'store'>,
  runId: string,
  options: { readonly failed?: boolean; readonly actor?: string; readonly reason?: string } = {},
): Promise<boolean> {
  const ended = await deps.store.end(
    { by: 'run', runId },
    {
      ending: 'released',
      actor: options.actor ?? 'slipway',
      reason: options.reason ?? 'the stage ended',
      failed: options.failed ?? false,
    },
  )
  return ended.length > 0
}

/** The new end of what the run holds, null when it holds nothing. */
export async function extendForRun(
  deps: Pick<RunReservationDeps, 'store'>,
  runId: string,
  byMs: number,
  actor: string,
): Promise<Date | null> {
  const reservation = await deps.store.findByRun(runId)
  if (reservation === null) return null
  const extended = await deps.store.extend(reservation.id, byMs, actor)
  return extended?.until ?? null
}

async function waiting(deps: RunReservationDeps, pool: Pool, place: number): Promise<RunAnswer> {
  const pace = await deps.store.pace(pool)
  return { kind: 'waiting', place, estimateMs: estimateWaitMs(place, { ...pace, defaultTimeoutMs: pool.timeoutMs }) }
}

function toHold(cipher: TokenCipher, reservation: Reservation): RunHold {
  const [instance] = reservation.instances
  if (instance === undefined || reservation.expiresAt === null)
    throw new Error(`reservation ${reservation.id} holds nothing`)
  return {
    id: reservation.id,
    domain: instance.domain,
    token: cipher.open(instance.sealedToken, tokenContext(instance.domain)),
    until: reservation.expiresAt,
  }
}
