/** Reservations as rows: how they are written and how they are read. */
import type { Ending, Labels, Pool, Reservation, ReservationRequest, ReservationState } from '../../pool/ports.ts'
import { sql, type Queryable, type Sql } from '../database.ts'

export interface ReservationRow {
  readonly id: string
  readonly pool: string
  readonly generation: string
  readonly state: ReservationState
  readonly client: string
  readonly actor: string
  readonly reason: string
  readonly repository: string | null
  readonly run_id: string | null
  readonly count: number
  readonly labels: Labels
  readonly priority: number
  readonly heartbeat_ms: string | null
  readonly created_at: Date
  readonly granted_at: Date | null
  readonly expires_at: Date | null
  readonly ended_at: Date | null
  readonly ending: Ending | null
  readonly is_kept_for_debugging: boolean
  readonly instance_ids: readonly string[] | null
  readonly domains: readonly string[] | null
  readonly tokens: readonly Uint8Array[] | null
}

/** In the order of `reservationValues`. */
export const RESERVATION_COLUMNS = sql`pool_id, state, client, is_exclusive, fair_key, repository, repository_id,
  pull_request, branch, run_id, actor, reason, count, labels, instance_id, priority, timeout_ms, wait_until,
  waiter_ttl_ms, waiter_seen_at, waiter_id, idempotency_key, hold_on_failure_ms, heartbeat_ms, wake_job,
  heartbeat_at, granted_at, expires_at`

/** The values of a new reservation, as a select list. A held one begins now. */
export function reservationValues(pool: Pool, request: ReservationRequest, state: 'waiting' | 'held'): Sql {
  const { wait } = request
  const moment = state === 'held' ? sql`clock_timestamp()` : sql`null::timestamptz`
  return sql`${pool.id}::bigint, ${state}::text, ${request.client}::text, ${request.isExclusive}::boolean,
    ${request.fairKey}::text, ${request.repository}::text, ${request.repositoryId}::bigint, ${request.pullRequest}::int,
    ${request.branch}::text, ${request.runId}::uuid, ${request.actor}::text, ${request.reason}::text,
    ${request.count}::int, ${JSON.stringify(request.labels)}::jsonb, ${request.instanceId}::bigint,
    ${request.priority}::int, ${request.timeoutMs}::bigint,
    clock_timestamp() + ${wait?.forMs ?? null}::float8 * interval '1 millisecond', ${wait?.ttlMs ?? null}::bigint,
    clock_timestamp(), ${wait?.waiterId ?? null}::uuid, ${request.idempotencyKey}::text,
    ${request.holdOnFailureMs}::bigint, ${request.heartbeatMs}::bigint,
    ${wait?.wakeJob == null ? null : JSON.stringify(wait.wakeJob)}::jsonb,
    ${moment}, ${moment}, ${moment} + ${request.timeoutMs}::float8 * interval '1 millisecond'`
}

/** Those for which `which` holds over `r`, oldest first. */
export async function readReservations(db: Queryable, which: Sql, limit = 1): Promise<readonly Reservation[]> {
  const rows = await db.rows<ReservationRow>(sql`
    select r.id, p.name as pool, r.generation, r.state, r.client, r.actor, r.reason, r.repository, r.run_id, r.count,
      r.labels, r.priority, r.heartbeat_ms, r.created_at, r.granted_at, r.expires_at, r.ended_at, r.ending,
      r.is_kept_for_debugging, held.instance_ids, held.domains, held.tokens
    from pool_reservations r join pools p on p.id = r.pool_id
    left join lateral (
      select array_agg(i.id order by i.id) as instance_ids, array_agg(i.domain order by i.id) as domains,
        array_agg(i.token order by i.id) as tokens
      from pool_holds h join pool_instances i on i.id = h.instance_id
      where h.reservation_id = r.id and h.until is null
    ) held on true
    where ${which} order by r.is_exclusive desc, r.created_at limit ${limit}`)
  return rows.map(toReservation)
}

export function toReservation(row: ReservationRow): Reservation {
  return {
    id: row.id,
    pool: row.pool,
    generation: row.generation,
    state: row.state,
    client: row.client,
    actor: row.actor,
    reason: row.reason,
    repository: row.repository,
    runId: row.run_id,
    count: row.count,
    labels: row.labels,
    priority: row.priority,
    heartbeatMs: row.heartbeat_ms === null ? null : Number(row.heartbeat_ms),
    createdAt: row.created_at,
    grantedAt: row.granted_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at,
    ending: row.ending,
    isKeptForDebugging: row.is_kept_for_debugging,
    instances: (row.instance_ids ?? []).map((id, index) => ({
      id,
      domain: row.domains?.[index] ?? '',
      sealedToken: row.tokens?.[index] ?? new Uint8Array(),
    })),
  }
}
