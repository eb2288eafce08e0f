/** What happened in a pool: events, an instance's record, and how much of it was in use. */
import type { InstanceRecord, PoolEvent, UsageHour } from '../../pool/ports.ts'
import { sql, type Queryable } from '../database.ts'

/** Newest first; `before` is the id of the last event of the page before. */
export async function readEvents(
  db: Queryable,
  pool: string,
  instanceId: string | null,
  limit: number,
  before: string | null,
): Promise<readonly PoolEvent[]> {
  const rows = await db.rows<EventRow>(sql`
    select e.id, e.at, e.instance_id, i.domain, e.reservation_id, e.kind, e.actor, e.client, e.reason, e.lasted_ms
    from pool_events e left join pool_instances i on i.id = e.instance_id
    where e.pool_id = (select id from pools where name = ${pool})
      and (${instanceId}::bigint is null or e.instance_id = ${instanceId}::bigint)
      and (${before}::bigint is null or e.id < ${before}::bigint)
    order by e.id desc limit ${limit}`)
  return rows.map((row) => ({
    id: row.id,
    at: row.at,
    instanceId: row.instance_id,
    domain: row.domain,
    reservationId: row.reservation_id,
    kind: row.kind,
    actor: row.actor,
    client: row.client,
    reason: row.reason,
    lastedMs: row.lasted_ms === null ? null : Number(row.lasted_ms),
  }))
}

export async function readRecord(db: Queryable, instanceId: string): Promise<InstanceRecord> {
  const row = await db.first<{ holds: number; failures: number }>(sql`
    select (select count(*)::int from pool_holds where instance_id = ${instanceId}) as holds,
      (select count(*)::int from pool_events where instance_id = ${instanceId}
        and (kind in ('cleaning_failed', 'health_failed') or (kind = 'quarantined' and actor = 'slipway'))) as failures`)
  const holds = row?.holds ?? 0
  const failures = row?.failures ?? 0
  return { holds, failures, failureRate: failures === 0 ? 0 : Math.min(1, failures / Math.max(1, holds)) }
}

/** The last `hours` hours, oldest first, each with the time its instances were held and how many asked in vain at first. */
export async function readUsage(db: Queryable, pool: string, hours: number): Promise<readonly UsageHour[]> {
  const rows = await db.rows<{ at: Date; held: number; waited: number }>(sql`
    with pool as (select id from pools where name = ${pool}), hours as (
      select generate_series(date_trunc('hour', now()) - ${hours - 1}::int * interval '1 hour', date_trunc('hour', now()),
        interval '1 hour') as at
    ), holds as (
      select h.since, coalesce(h.until, now()) as until from pool_holds h join pool_instances i on i.id = h.instance_id
      where i.pool_id = (select id from pool)
        and coalesce(h.until, now()) > now() - ${hours}::int * interval '1 hour'
    )
    select hours.at,
      coalesce((select sum(extract(epoch from least(h.until, hours.at + interval '1 hour') - greatest(h.since, hours.at)) * 1000)
        from holds h where h.since < hours.at + interval '1 hour' and h.until > hours.at), 0)::float8 as held,
      (select count(*)::int from pool_events e where e.pool_id = (select id from pool) and e.kind = 'queued'
        and e.at >= hours.at and e.at < hours.at + interval '1 hour') as waited
    from hours order by hours.at`)
  return rows.map((row) => ({ at: row.at, heldMs: row.held, waited: row.waited }))
}

interface EventRow {
  readonly id: string
  readonly at: Date
  readonly instance_id: string | null
  readonly domain: string | null
  readonly reservation_id: string | null
  readonly kind: string
  readonly actor: string
  readonly client: string | null
  readonly reason: string
  readonly lasted_ms: string | null
}
