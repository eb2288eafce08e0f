/** What the pool needs from outside. Each method that changes something is one transaction and safe to repeat. */
import type { Lease } from '../core/lease.ts'
import type {
  Ending,
  HealthCheck,
  Instance,
  Labels,
  Pool,
  PoolEvent,
  PoolSettings,
  QueueEntry,
  Reservation,
  Source,
} from './pool.ts'

export type * from './pool.ts'
/** The rule that the store applies within its transaction. */
export { chooseGrants, type FreeInstance, type Grant, type Wanting } from './choose-grants.ts'

/** A request that passed the rules of `check-request.ts`. */
export interface ReservationRequest {
  readonly client: string
  /** One open reservation per client, as the compatible API has it. */
  readonly isExclusive: boolean
  readonly fairKey: string
  readonly actor: string
  readonly reason: string
  readonly repository: string | null
  readonly repositoryId: number | null
  readonly pullRequest: number | null
  readonly branch: string | null
  readonly runId: string | null
  readonly count: number
  readonly labels: Labels
  /** Null: any. */
  readonly instanceId: string | null
  readonly priority: number
  readonly timeoutMs: number
  readonly wait: WaitTerms | null
  readonly idempotencyKey: string | null
  readonly holdOnFailureMs: number | null
  readonly heartbeatMs: number | null
}

export interface WaitTerms {
  readonly forMs: number
  /** A waiter that is not seen for so long has left; null: it stays until its run ends. */
  readonly ttlMs: number | null
  /** Whoever waits on this connection. */
  readonly waiterId: string | null
  /** The job to wake when the wait is over. */
  readonly wakeJob: WakeJob | null
}

export interface WakeJob {
  readonly kind: string
  readonly key: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly repositoryId?: number
  readonly lane?: string
}

export type ReserveOutcome =
  | { readonly kind: 'granted'; readonly reservation: Reservation }
  /** Taken, but its health is still being checked. */
  | { readonly kind: 'probing'; readonly reservation: Reservation }
  | { readonly kind: 'waiting'; readonly reservation: Reservation }
  | { readonly kind: 'none_free'; readonly untilNextEndMs: number | null }
  | { readonly kind: 'duplicate'; readonly untilNextEndMs: number | null }
  /** No instance of the pool can ever serve it. */
  | { readonly kind: 'unservable'; readonly matching: number }
  | { readonly kind: 'limit_reached'; readonly limit: 'waiting' | 'held'; readonly max: number }
  /** The idempotency key was used for a reservation that is over. */
  | { readonly kind: 'ended'; readonly reservation: Reservation }

/** Which reservations an order means. `pool` null: of every pool. */
export type ReservationSelector =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'client'; readonly pool: string; readonly client: string }
  /** Of a workflow run: the client's exact name, or that name followed by `--`; only those granted before it ended. */
  | { readonly by: 'workflow_run'; readonly clientPrefix: string; readonly before: Date | null }
  | { readonly by: 'run'; readonly runId: string }
  | { readonly by: 'pull_request'; readonly repositoryId: number; readonly pullRequest: number }
  | { readonly by: 'branch'; readonly repositoryId: number; readonly branch: string }
  | { readonly by: 'repositories'; readonly repositoryIds: readonly number[]; readonly names: readonly string[] }

export interface EndOrder {
  readonly ending: Ending
  readonly actor: string
  readonly reason: string
  /** The holder's work failed: reservations that asked for it are kept for debugging instead. */
  readonly failed?: boolean
}

/** What was ended or kept. */
export interface EndedHold {
  readonly reservationId: string
  readonly pool: string
  readonly client: string
  readonly instanceId: string
  readonly domain: string
}

export interface PoolOverview {
  readonly pool: Pool
  readonly counts: Readonly<Record<'free' | 'held' | 'cleaning' | 'quarantined' | 'draining' | 'waiting', number>>
  readonly capacity: number
  readonly medianHoldMs: number | null
}

export interface NewInstance {
  readonly domain: string
  readonly sealedToken: Uint8Array
  readonly labels: Labels
  readonly note: string
  readonly source: Source
}

export interface InstanceEdit {
  readonly domain?: string
  readonly sealedToken?: Uint8Array
  readonly labels?: Labels
  readonly note?: string
  readonly source?: Source
  readonly pool?: string
}

/** `stay` takes a removal back, `restore` a quarantine. */
export type InstanceOrder = 'drain' | 'undrain' | 'quarantine' | 'restore' | 'remove' | 'stay'

export interface InstanceRecord {
  readonly holds: number
  readonly failures: number
  /** Failed cleanings and probes per hold, 0 to 1. */
  readonly failureRate: number
}

/** Use of one hour: instance-milliseconds held, and those there were. */
export interface UsageHour {
  readonly at: Date
  readonly heldMs: number
  readonly waited: number
}

export interface Preparation {
  readonly instance: Instance
  readonly pool: Pool
}

export type PreparationResult = { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly cause: string }

export interface ProbeResult {
  readonly instanceId: string
  /** Null: healthy. */
  readonly cause: string | null
}

export interface PoolStore {
  findPool(name: string): Promise<Pool | null>
  overviews(): Promise<readonly PoolOverview[]>
  /** False when the name is taken. */
  createPool(name: string, settings: PoolSettings, source: Source, actor: string): Promise<boolean>
  editPool(pool: Pool, settings: PoolSettings, source: Source, actor: string): Promise<void>
  /** Ends its waiters; its instances leave as they become free. */
  closePool(pool: Pool, actor: string): Promise<void>

  instances(pool: string): Promise<readonly Instance[]>
  findInstance(pool: string, id: string): Promise<Instance | null>
  findInstanceByDomain(domain: string): Promise<Instance | null>
  /** Null when the domain is taken. */
  addInstance(pool: Pool, instance: NewInstance, actor: string): Promise<string | null>
  /** False when the domain is taken by another. */
  editInstance(pool: Pool, id: string, edit: InstanceEdit, actor: string): Promise<boolean>
  order(pool: Pool, id: string, order: InstanceOrder, actor: string, reason: string): Promise<void>

  reserve(pool: Pool, request: ReservationRequest): Promise<ReserveOutcome>
  findReservation(id: string): Promise<Reservation | null>
  /** The open reservation of a client, exclusive ones first. */
  findByClient(pool: string, client: string): Promise<Reservation | null>
  findByRun(runId: string): Promise<Reservation | null>
  /** Waiting ones leave the queue, held ones end; their instances go to whoever is next, in the same transaction. */
  end(selector: ReservationSelector, order: EndOrder): Promise<readonly EndedHold[]>
  /** Ends the reservation only if this connection still waits for it. */
  hangUp(id: string, waiterId: string): Promise<void>
  /** The new end, null when it is not held. Never past the pool's maximum, never earlier than it was. */
  extend(id: string, byMs: number, actor: string): Promise<{ readonly until: Date; readonly gained: boolean } | null>
  /** False when it is not held. */
  beat(id: string): Promise<boolean>
  /** A waiter was seen. */
  seeWaiters(ids: readonly string[]): Promise<void>
  /** Takes a held instance from its holder. Null when nobody holds it. */
  steal(pool: Pool, instanceId: string, request: ReservationRequest, reason: string): Promise<Reservation | null>
  /** Of these, those that no longer wait. */
  settledAmong(ids: readonly string[]): Promise<readonly string[]>

  queue(pool: string): Promise<readonly QueueEntry[]>
  placeOf(id: string): Promise<number | null>
  pace(pool: Pool): Promise<{ readonly capacity: number; readonly medianHoldMs: number | null }>
  events(pool: string, instanceId: string | null, limit: number, before: string | null): Promise<readonly PoolEvent[]>
  record(instanceId: string): Promise<InstanceRecord>
  usage(pool: string, hours: number): Promise<readonly UsageHour[]>
  /** Rises with everything that happens in any pool. */
  latestEvent(): Promise<string>

  preparation(instanceId: string): Promise<Preparation | null>
  /** What the instance is after it: refused (null) when the lease is lost or it is no longer being cleaned. */
  finishPreparation(
    lease: Lease,
    instanceId: string,
    result: PreparationResult,
    durationMs: number,
  ): Promise<'ready' | 'again' | 'quarantined' | null>
  /** For a preparation that was given up without a result. */
  quarantine(instanceId: string, cause: string): Promise<void>
  finishProbe(lease: Lease, reservation: Reservation, results: readonly ProbeResult[]): Promise<void>

  /** Ends everything that is due on the database's clock and serves whoever can be served. */
  sweep(): Promise<SweepResult>
}

export interface SweepResult {
  readonly expired: number
  readonly reaped: number
  readonly gone: number
}

/** Encrypts what is kept; `context` binds a ciphertext to its place. */
export interface TokenCipher {
  seal(text: string, context: string): Uint8Array
  open(sealed: Uint8Array, context: string): string
}

export interface CleaningRun {
  readonly image: string
  readonly commands: readonly string[]
  readonly timeoutMs: number
  readonly env: Readonly<Record<string, string>>
}

export type CleaningOutcome = { readonly kind: 'clean' } | { readonly kind: 'failed'; readonly cause: string }

/** Runs a pool's cleaning in a container. Failing commands are an outcome, a missing Docker host is one, too. */
export interface CleaningRunner {
  run(cleaning: CleaningRun, signal: AbortSignal): Promise<CleaningOutcome>
}

export interface HealthProbe {
  /** Null when healthy, else the cause. */
  check(domain: string, health: HealthCheck, signal: AbortSignal): Promise<string | null>
}

/** Tells when a reservation no longer waits. */
export interface PoolSignals {
  /** Resolves true when the wait is over, false when `ms` passed first or `signal` aborted. */
  settled(id: string, ms: number, signal: AbortSignal): Promise<boolean>
}

/** What is counted. */
export interface PoolMeter {
  waited(pool: string, ms: number): void
  held(pool: string, ms: number): void
  ended(pool: string, ending: Ending): void
  failed(pool: string, what: 'cleaning' | 'health'): void
}
