/** The words of the release pool as data. Times are Dates of the database's clock, durations milliseconds, ids decimal text. */

/** The pool behind `/api/instances`. */
export const DEFAULT_POOL = 'default'

export const INSTANCE_STATES = ['free', 'held', 'cleaning', 'quarantined'] as const
/** `cleaning` covers everything between two users: the cleaning itself and the health probe after it. */
export type InstanceState = (typeof INSTANCE_STATES)[number]

export const RESERVATION_STATES = ['waiting', 'probing', 'held', 'ended'] as const
/** `probing`: the instances are taken for this reservation and their health is being checked. */
export type ReservationState = (typeof RESERVATION_STATES)[number]

export const ENDINGS = [
  'released',
  'expired',
  'stolen',
  'reaped',
  'withdrawn',
  'gave_up',
  'unservable',
  'refused',
  'owner_gone',
] as const
/**
 * Why a reservation is over. Held ones: `released`, `expired`, `stolen`, `reaped` (heartbeats stopped), `owner_gone`
 * (its run, pull request or branch ended). Waiting ones: `withdrawn`, `gave_up` (its wait was over), `unservable`
 * (the instances it needs were removed), `refused` (it did not want to wait).
 */
export type Ending = (typeof ENDINGS)[number]

export type Labels = Readonly<Record<string, string>>

export type Cleaning =
  | {
      readonly kind: 'container'
      readonly image: string
      readonly commands: readonly string[]
      readonly timeoutMs: number
    }
  /** A POST with the instance's domain; 2xx means clean. */
  | { readonly kind: 'http'; readonly url: string; readonly timeoutMs: number }

/** Asked of `https://DOMAIN/PATH` before an instance is handed out; anything below 400 is healthy. */
export interface HealthCheck {
  readonly path: string
  readonly timeoutMs: number
}

export type Selection = 'lowest' | 'least_recent'

export interface PoolSettings {
  /** How long a reservation lasts that does not say. */
  readonly timeoutMs: number
  /** The longest a reservation may last, extensions included. */
  readonly maxTimeoutMs: number
  readonly cleaning: Cleaning | null
  readonly health: HealthCheck | null
  readonly selection: Selection
  /** Failed cleanings or probes in a row after which an instance is put aside. */
  readonly quarantineAfter: number
  /** Null: no limit. */
  readonly maxHeldPerRepository: number | null
  readonly maxWaitingPerRepository: number | null
}

/** Who wrote it: `file` is server.yml, which then decides about it. */
export type Source = 'api' | 'file'

export interface Pool extends PoolSettings {
  readonly id: string
  readonly name: string
  readonly source: Source
}

export interface Instance {
  readonly id: string
  readonly pool: string
  readonly domain: string
  /** As the cipher made it; bound to `domain`. */
  readonly sealedToken: Uint8Array
  readonly labels: Labels
  readonly note: string
  readonly state: InstanceState
  /** Takes no new holder. */
  readonly isDraining: boolean
  /** Is removed once nobody holds it. */
  readonly isLeaving: boolean
  readonly failures: number
  readonly lastError: string | null
  readonly source: Source
  /** When `state` began. */
  readonly since: Date
  readonly holder: Holder | null
}

export interface Holder {
  readonly reservationId: string
  readonly generation: string
  readonly client: string
  readonly actor: string
  readonly reason: string
  readonly repository: string | null
  readonly pullRequest: number | null
  readonly runId: string | null
  readonly since: Date
  readonly until: Date
  readonly isKeptForDebugging: boolean
}

export interface HeldInstance {
  readonly id: string
  readonly domain: string
  readonly sealedToken: Uint8Array
}

export interface Reservation {
  readonly id: string
  readonly pool: string
  /** Rises with every reservation; an old one can never end a newer one. */
  readonly generation: string
  readonly state: ReservationState
  readonly client: string
  readonly actor: string
  readonly reason: string
  readonly repository: string | null
  readonly runId: string | null
  readonly count: number
  readonly labels: Labels
  readonly priority: number
  readonly heartbeatMs: number | null
  readonly createdAt: Date
  readonly grantedAt: Date | null
  readonly expiresAt: Date | null
  readonly endedAt: Date | null
  readonly ending: Ending | null
  readonly isKeptForDebugging: boolean
  /** Empty unless probing or held. */
  readonly instances: readonly HeldInstance[]
}

/** One line of the queue. */
export interface QueueEntry {
  readonly id: string
  /** 1 is next. */
  readonly place: number
  readonly client: string
  readonly repository: string | null
  readonly runId: string | null
  readonly priority: number
  readonly count: number
  readonly labels: Labels
  readonly createdAt: Date
}

export interface PoolEvent {
  readonly id: string
  readonly at: Date
  readonly instanceId: string | null
  readonly domain: string | null
  readonly reservationId: string | null
  readonly kind: string
  readonly actor: string
  readonly client: string | null
  readonly reason: string
  readonly lastedMs: number | null
}
