/**
 * The line. It is not kept, it is worked out: priority, then how much the repository already holds and has waiting
 * before this request, then age. So the fiftieth request of one repository stands behind the first of another.
 *
 * Holding says nothing about those whose holds are short: with a single instance nobody holds anything when it becomes
 * free, and age alone would serve a repository's whole backlog first. Of equals, those go first therefore whose
 * repository was served longest ago since somebody began to wait.
 */
import type { Labels, Pool, QueueEntry, Wanting } from '../../pool/ports.ts'
import { sql, type Queryable, type Sql } from '../database.ts'

/** How many of the line are looked at in one round of handing out; rounds go on while something is given. */
const ROUND_SIZE = 64

/**
 * Common table expressions `line` of one pool: every waiter with its `turn` and `place`. What a repository holds and when
 * it was served is looked up by an index for each waiter, not joined: with young statistics the planner expects one row
 * where there are a thousand, and compares all of them with all.
 */
function lineOf(poolId: string): Sql {
  return sql`busy as materialized (
      select min(created_at) as since from pool_reservations where pool_id = ${poolId} and state = 'waiting'
    ), turns as materialized (
      select w.*,
        (select max(g.granted_at) from pool_reservations g where g.pool_id = ${poolId} and g.fair_key = w.fair_key) as served_at,
        coalesce((select sum(h.count) from pool_reservations h
          where h.pool_id = ${poolId} and h.fair_key = w.fair_key and h.state in ('held', 'probing')), 0)
          + sum(w.count) over (partition by w.fair_key order by w.priority desc, w.created_at, w.id) as turn
      from pool_reservations w where w.pool_id = ${poolId} and w.state = 'waiting'
    ), line as materialized (
      select t.*, row_number() over (order by t.priority desc, t.turn,
        case when t.served_at > busy.since then t.served_at end nulls first, t.created_at, t.id) as place
      from turns t, busy
    )`
}

/**
 * Those who could be served now, each taken alone, in the order of the line. The labels that are asked for are few,
 * so they are matched with the free instances once per kind and not once per waiter.
 */
export async function servable(tx: Queryable, pool: Pool): Promise<readonly Wanting[]> {
  const rows = await tx.rows<{ id: string; count: number; labels: Labels; instance_id: string | null }>(sql`
    with ${lineOf(pool.id)}, kinds as (
      select distinct labels, instance_id from line
    ), free as materialized (
      select id, labels from pool_instances
      where pool_id = ${pool.id} and state = 'free' and not is_draining and deleted_at is null
    ), supply as materialized (
      select k.labels, k.instance_id, count(*) as n from kinds k join free f
        on f.labels @> k.labels and (k.instance_id is null or k.instance_id = f.id)
      group by k.labels, k.instance_id
    )
    select l.id, l.count, l.labels, l.instance_id from line l join supply s
      on s.labels = l.labels and s.instance_id is not distinct from l.instance_id and s.n >= l.count
    where l.turn <= ${pool.maxHeldPerRepository ?? Number.MAX_SAFE_INTEGER}::bigint
    order by l.place limit ${ROUND_SIZE}`)
  return rows.map((row) => ({ id: row.id, count: row.count, labels: row.labels, instanceId: row.instance_id }))
}

export async function readQueue(db: Queryable, poolId: string): Promise<readonly QueueEntry[]> {
  const rows = await db.rows<QueueRow>(sql`
    with ${lineOf(poolId)}
    select id, place, client, repository, run_id, priority, count, labels, created_at from line order by place`)
  return rows.map((row) => ({
    id: row.id,
    place: Number(row.place),
    client: row.client,
    repository: row.repository,
    runId: row.run_id,
    priority: row.priority,
    count: row.count,
    labels: row.labels,
    createdAt: row.created_at,
  }))
}

/** 1 is next; null when it does not wait. */
export async function placeInLine(db: Queryable, poolId: string, id: string): Promise<number | null> {
  const row = await db.first<{ place: string }>(sql`with ${lineOf(poolId)} select place from line where id = ${id}`)
  return row === null ? null : Number(row.place)
}

interface QueueRow {
  readonly id: string
  readonly place: string
  readonly client: string
  readonly repository: string | null
  readonly run_id: string | null
  readonly priority: number
  readonly count: number
  readonly labels: Labels
  readonly created_at: Date
}
