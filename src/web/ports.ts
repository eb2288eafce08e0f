/** What the pages need from outside; adapters implement it, `compose/web.ts` brings them together. */
import type { Secret } from '../core/secret.ts'
import type { TokenScope } from '../config/server-config.ts'
import type { CheckButton } from '../core/check.ts'
import type { Conclusion, Run, RunKind, RunState } from '../core/run.ts'
import type { RunFilter } from '../core/run-store.ts'

/** A cookie's session as it is kept: found by the SHA-256 of the cookie's value. */
export interface SessionRecord {
  /** A GitHub login, or `token:NAME`. */
  readonly actor: string
  readonly csrf: string
  /** Sealed token that opened it; null for a log-in with GitHub. */
  readonly credential: Uint8Array | null
}

export interface SessionStore {
  create(id: Uint8Array, session: SessionRecord, absoluteMs: number): Promise<void>
  /** Null when it does not exist, rested longer than `idleMs` or reached its absolute end. Finding it wakes it. */
  find(id: Uint8Array, idleMs: number): Promise<SessionRecord | null>
  remove(id: Uint8Array): Promise<void>
}

/** Seals what a cookie or a row holds; the context must be the same when it is opened. */
export interface Sealer {
  seal(text: string, context: string): Uint8Array
  open(sealed: Uint8Array, context: string): string
}

export interface TokenIdentity {
  readonly actor: string
  readonly scope: TokenScope
}

export type TokenAnswer =
  | { readonly kind: 'ok'; readonly identity: TokenIdentity }
  | { readonly kind: 'refused' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number }

/** @param authorization as the header has it @param address of the other end of the connection */
export type CheckToken = (authorization: string | undefined, address: string) => Promise<TokenAnswer>

export interface AuditRecord {
  readonly id: string
  readonly at: Date
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface AuditBook {
  write(entry: Omit<AuditRecord, 'id' | 'at' | 'detail'> & { readonly detail?: AuditRecord['detail'] }): Promise<void>
  /** Newest first; `before` is the id of the last entry of the page before. */
  read(limit: number, before: string | null): Promise<readonly AuditRecord[]>
}

/** What a page says of a run besides the run itself. */
export interface RunFace {
  /** What its check run says in one line. */
  readonly title: string
  readonly buttons: readonly CheckButton[]
}

export interface RunLine extends Run {
  readonly face: RunFace
}

export interface RunQuery extends Omit<RunFilter, 'supersedeKey'> {
  readonly repositoryIds?: readonly number[]
  readonly conclusions?: readonly Conclusion[]
  readonly state?: RunState
  readonly branch?: string
  /** Only runs made after this moment. */
  readonly since?: Date
}

export interface LiveService {
  readonly repositoryId: number
  readonly key: string
  readonly pullRequest: number
  readonly environment: string
  readonly host: string
  readonly url: string | null
  readonly sha: string
  readonly release: number
  readonly liveSince: Date
  readonly isLocked: boolean
}

export interface DurationPoint {
  readonly completedAt: Date
  readonly kind: RunKind
  readonly seconds: number
  readonly isGood: boolean
}

export interface LoadPoint {
  readonly at: Date
  readonly waiting: number
  readonly running: number
}

/** Reading for people: what is going on, what failed, what is live. */
export interface RunBoard {
  find(query: RunQuery): Promise<readonly RunLine[]>
  get(runId: string): Promise<RunLine | null>
  /** Every attempt of the same work, oldest first. */
  attempts(run: Run): Promise<readonly RunLine[]>
  live(repositoryIds: readonly number[]): Promise<readonly LiveService[]>
  durations(repositoryIds: readonly number[], days: number): Promise<readonly DurationPoint[]>
  /** How many runs waited and ran in the last hours, in steps of some minutes. */
  load(repositoryIds: readonly number[], hours: number): Promise<readonly LoadPoint[]>
}

export interface SecretRecord {
  readonly repository: string
  readonly name: string
  readonly version: number
  readonly createdBy: string
  readonly createdAt: Date
}

/** Secrets that admins stored for repositories; their values never come out here. */
export interface SecretBook {
  list(): Promise<readonly SecretRecord[]>
  /** A new version; running work keeps the one it began with. */
  put(
    secret: { readonly repository: string; readonly name: string; readonly value: string },
    actor: string,
  ): Promise<SecretRecord>
  /** False when there is none. */
  remove(repository: string, name: string, actor: string): Promise<boolean>
}

export interface DeliveryRecord {
  readonly id: string
  readonly event: string
  readonly action: string | null
  readonly state: 'received' | 'handled' | 'ignored' | 'failed'
  readonly note: string | null
  readonly repositoryId: number | null
  readonly receivedAt: Date
}

export interface DeliveryBook {
  /** Newest first, without payloads. */
  list(page: { readonly before?: Date; readonly limit: number }): Promise<readonly DeliveryRecord[]>
  get(id: string): Promise<(DeliveryRecord & { readonly payload: string }) | null>
}

export interface TokenRecord {
  readonly id: string
  readonly name: string
  readonly scope: TokenScope
  readonly pools: readonly string[] | null
  readonly organization: string | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  readonly lastUsedAt: Date | null
}

export interface TokenBook {
  list(): Promise<readonly TokenRecord[]>
  issue(
    token: {
      readonly name: string
      readonly scope: TokenScope
      readonly pools: readonly string[] | null
      readonly ttlMs: number | null
    },
    actor: string,
  ): Promise<{ readonly token: Secret; readonly record: TokenRecord }>
  revoke(id: string, actor: string): Promise<boolean>
}

export interface HostRecord {
  readonly name: string
  readonly endpoint: string
  readonly builds: boolean
  readonly deploys: boolean
  readonly maxConcurrent: number
  /** How it is: its Docker version and platform, or why it does not answer. */
  readonly condition: { readonly isOk: boolean; readonly detail: string }
}

export type Listen = (listener: (runId: string) => void) => () => void
