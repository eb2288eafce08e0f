/**
 * The two jobs of the pool: preparing an instance between two users (cleaning, then its health), and asking instances
 * for their health before they are handed out. A failure is an ordinary result here; it is written to the instance,
 * and the next try is the job's retry.
 */
import type { Clock } from '../core/clock.ts'
import type { Lease } from '../core/lease.ts'
import { tokenContext } from './instance-domain.ts'
import type { Instance, Pool } from './pool.ts'
import type { CleaningRunner, HealthProbe, PoolStore, PreparationResult, TokenCipher } from './ports.ts'

/** The first of doubling waits between two tries to clean. */
const FIRST_RETRY_MS = 5_000
const LONGEST_RETRY_MS = 5 * 60_000

export interface PoolJobDeps {
  readonly store: PoolStore
  readonly cipher: TokenCipher
  readonly cleaningRunner: CleaningRunner
  /** Cleaning by a request to the pool's own hook. */
  readonly callHook: (url: string, domain: string, timeoutMs: number, signal: AbortSignal) => Promise<string | null>
  readonly probe: HealthProbe
  readonly clock: Clock
}

interface PoolJob {
  readonly payload: Readonly<Record<string, unknown>>
  readonly lease: Lease
}

type PoolJobOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'wait'; readonly delayMs: number; readonly cause: string }

interface PoolJobHandler {
  handle(job: PoolJob, signal: AbortSignal): Promise<PoolJobOutcome>
  onParked?(payload: Readonly<Record<string, unknown>>, cause: string): Promise<void>
}

/** Handlers by the kind of job they do. */
export function createPoolJobs(deps: PoolJobDeps): Readonly<Record<'pool-prepare' | 'pool-probe', PoolJobHandler>> {
  return {
    'pool-prepare': {
      handle: (job, signal) => prepare(deps, job, signal),
      onParked: ({ instanceId }, cause) => deps.store.quarantine(String(instanceId), cause),
    },
    'pool-probe': { handle: (job, signal) => probeReservation(deps, job, signal) },
  }
}

async function prepare(deps: PoolJobDeps, job: PoolJob, signal: AbortSignal): Promise<PoolJobOutcome> {
  const instanceId = String(job.payload['instanceId'])
  const preparation = await deps.store.preparation(instanceId)
  if (preparation === null) return { kind: 'done' }
  const { instance, pool } = preparation
  const begun = deps.clock.monotonic()
  const result = await cleanAndProbe(deps, instance, pool, signal)
  signal.throwIfAborted()
  const now = await deps.store.finishPreparation(job.lease, instanceId, result, deps.clock.monotonic() - begun)
  if (now !== 'again') return { kind: 'done' }
  const delayMs = Math.min(FIRST_RETRY_MS * 2 ** instance.failures, LONGEST_RETRY_MS)
  return { kind: 'wait', delayMs, cause: result.kind === 'failed' ? result.cause : '' }
}

async function cleanAndProbe(
  deps: PoolJobDeps,
  instance: Instance,
  pool: Pool,
  signal: AbortSignal,
): Promise<PreparationResult> {
  const cause = (await clean(deps, instance, pool, signal)) ?? (await checkHealth(deps, instance.domain, pool, signal))
  return cause === null ? { kind: 'ready' } : { kind: 'failed', cause }
}

/** Null when clean. */
async function clean(deps: PoolJobDeps, instance: Instance, pool: Pool, signal: AbortSignal): Promise<string | null> {
  const { cleaning } = pool
  if (cleaning === null) return null
  if (cleaning.kind === 'http') return deps.callHook(cleaning.url, instance.domain, cleaning.timeoutMs, signal)
  const token = deps.cipher.open(instance.sealedToken, tokenContext(instance.domain))
  const url = `https://${instance.domain}`
  const outcome = await deps.cleaningRunner.run(
    {
      image: cleaning.image,
      commands: cleaning.commands,
      timeoutMs: cleaning.timeoutMs,
      env: {
        SLIPWAY_INSTANCE_DOMAIN: instance.domain,
        SLIPWAY_INSTANCE_URL: url,
        SLIPWAY_INSTANCE_TOKEN: token,
        MPKIT_URL: url,
        MPKIT_TOKEN: token,
      },
    },
    signal,
  )
  return outcome.kind === 'clean' ? null : outcome.cause
}

async function probeReservation(deps: PoolJobDeps, job: PoolJob, signal: AbortSignal): Promise<PoolJobOutcome> {
  const reservation = await deps.store.findReservation(String(job.payload['reservationId']))
  if (reservation?.state !== 'probing') return { kind: 'done' }
  const pool = await deps.store.findPool(reservation.pool)
  const results = await Promise.all(
    reservation.instances.map(async ({ id, domain }) => ({
      instanceId: id,
      cause: pool === null ? null : await checkHealth(deps, domain, pool, signal),
    })),
  )
  signal.throwIfAborted()
  await deps.store.finishProbe(job.lease, reservation, results)
  return { kind: 'done' }
}

/** Null when healthy, or when the pool does not ask. */
async function checkHealth(deps: PoolJobDeps, domain: string, pool: Pool, signal: AbortSignal): Promise<string | null> {
  return pool.health === null ? null : deps.probe.check(domain, pool.health, signal)
}
