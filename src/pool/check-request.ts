/** The rules a reservation has to keep, whoever asks. Each refusal names its field. */
import { clientProblem, fairKey, repositoryOf } from './client-name.ts'
import type { Labels, Pool } from './pool.ts'
import type { ReservationRequest, WaitTerms } from './ports.ts'

/** More than one pool of this kind ever had; a larger number is a mistake. */
const MAX_COUNT = 100
const MAX_PRIORITY = 100
/** A wait that outlasts a working day is forgotten by whoever asked. */
const MAX_WAIT_MS = 24 * 3_600_000
/** Faster ones would cost the database more than they tell. */
const MIN_HEARTBEAT_MS = 1_000
const MAX_HEARTBEAT_MS = 3_600_000
const MAX_LABELS = 20
const MAX_LABEL_LENGTH = 100
const MAX_TEXT_LENGTH = 500
const CONTROL_CHARACTER = /\p{Cc}/u

/** What was asked; durations in milliseconds. What is absent is the pool's default. */
export interface RequestInput {
  readonly client: string
  readonly actor: string
  readonly isExclusive?: boolean
  readonly reason?: string
  readonly repository?: string | null
  readonly repositoryId?: number | null
  readonly pullRequest?: number | null
  readonly branch?: string | null
  readonly runId?: string | null
  readonly count?: number
  readonly labels?: Labels
  readonly instanceId?: string | null
  readonly priority?: number
  readonly timeoutMs?: number
  readonly wait?: WaitTerms | null
  readonly idempotencyKey?: string | null
  readonly holdOnFailureMs?: number | null
  readonly heartbeatMs?: number | null
}

export interface Problem {
  readonly kind: 'invalid'
  readonly field: string
  readonly message: string
}

export type CheckedRequest = { readonly kind: 'ok'; readonly request: ReservationRequest } | Problem

export function checkRequest(input: RequestInput, pool: Pool): CheckedRequest {
  const request = withDefaults(input, pool)
  const problem = firstProblem(request, pool)
  return problem === null ? { kind: 'ok', request } : { kind: 'invalid', ...problem }
}

function withDefaults(input: RequestInput, pool: Pool): ReservationRequest {
  const repository = input.repository?.toLowerCase() ?? repositoryOf(input.client)
  return {
    client: input.client,
    isExclusive: input.isExclusive ?? false,
    fairKey: fairKey(input.client, repository),
    actor: input.actor,
    reason: input.reason ?? '',
    repository,
    repositoryId: input.repositoryId ?? null,
    pullRequest: input.pullRequest ?? null,
    branch: input.branch ?? null,
    runId: input.runId ?? null,
    count: input.count ?? 1,
    labels: input.labels ?? {},
    instanceId: input.instanceId ?? null,
    priority: input.priority ?? 0,
    timeoutMs: input.timeoutMs ?? pool.timeoutMs,
    wait: input.wait ?? null,
    idempotencyKey: input.idempotencyKey ?? null,
    holdOnFailureMs: input.holdOnFailureMs ?? null,
    heartbeatMs: input.heartbeatMs ?? null,
  }
}

interface FieldProblem {
  readonly field: string
  readonly message: string
}

function firstProblem(request: ReservationRequest, pool: Pool): FieldProblem | null {
  const client = clientProblem(request.client)
  if (client !== null) return { field: 'client', message: client }
  return (
    outside('timeout', request.timeoutMs, 1, pool.maxTimeoutMs, 'ms') ??
    outside('count', request.count, 1, MAX_COUNT, '') ??
    outside('priority', request.priority, -MAX_PRIORITY, MAX_PRIORITY, '') ??
    outside('wait', request.wait?.forMs ?? 0, 0, MAX_WAIT_MS, 'ms') ??
    outside('hold_on_failure', request.holdOnFailureMs ?? 1, 1, pool.maxTimeoutMs, 'ms') ??
    outside('heartbeat', request.heartbeatMs ?? MIN_HEARTBEAT_MS, MIN_HEARTBEAT_MS, MAX_HEARTBEAT_MS, 'ms') ??
    textProblem('reason', request.reason) ??
    textProblem('repository', request.repository ?? '') ??
    textProblem('idempotency_key', request.idempotencyKey ?? 'x') ??
    (request.idempotencyKey === '' ? { field: 'idempotency_key', message: 'cannot be blank' } : null) ??
    (request.instanceId !== null && request.count !== 1
      ? { field: 'count', message: 'must be 1 when an instance is asked for by name' }
      : null) ??
    labelProblem(request.labels)
  )
}

/** What is wrong with the labels of a request or an instance. */
export function labelProblem(labels: Labels): FieldProblem | null {
  const entries = Object.entries(labels)
  if (entries.length > MAX_LABELS) return { field: 'labels', message: `are too many (maximum is ${MAX_LABELS})` }
  const wrong = entries.some(
    (pair) => pair[0] === '' || pair.some((text) => text.length > MAX_LABEL_LENGTH || CONTROL_CHARACTER.test(text)),
  )
  return wrong
    ? { field: 'labels', message: `need keys and values of at most ${MAX_LABEL_LENGTH} printable characters` }
    : null
}

/** What is wrong with a short text that people write. */
export function textProblem(field: string, text: string): FieldProblem | null {
  if (text.length > MAX_TEXT_LENGTH) return { field, message: `is too long (maximum is ${MAX_TEXT_LENGTH} characters)` }
  return CONTROL_CHARACTER.test(text) ? { field, message: 'cannot hold control characters' } : null
}

function outside(field: string, value: number, least: number, most: number, unit: 'ms' | ''): FieldProblem | null {
  if (Number.isInteger(value) && value >= least && value <= most) return null
  const limit = (n: number): string => (unit === 'ms' ? `${n / 1000} seconds` : String(n))
  if (!Number.isFinite(value)) return { field, message: 'is not a number' }
  if (unit === '' && !Number.isInteger(value)) return { field, message: 'is not a whole number' }
  return value > most
    ? { field, message: `must be at most ${limit(most)}` }
    : { field, message: least === 1 && unit === 'ms' ? 'must be more than zero' : `must be at least ${limit(least)}` }
}
