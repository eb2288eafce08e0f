/** Ending on order: by a client, a person, a run, or the fact that a pull request, branch or repository is gone. */
import type { EndedHold, EndOrder, Pool, PoolMeter, ReservationSelector } from '../../pool/ports.ts'
import { sql, type Database, type Queryable, type Sql } from '../database.ts'
import { countEnded, endHeld, endWaiting, type EndedRow } from './end-reservations.ts'
import { handOut } from './hand-out.ts'
import { lockPool, sharePool } from './lock.ts'
import { readPools } from './pool-row.ts'

export async function endSelected(
  db: Database,
  meter: PoolMeter,
  selector: ReservationSelector,
  order: EndOrder,
): Promise<readonly EndedHold[]> {
  const which = selected(selector)
  const isOne = selector.by === 'id' || selector.by === 'client' || selector.by === 'run'
  const affected = await db.rows<{ pool_id: string; has_waiters: boolean }>(sql`
    select distinct r.pool_id, exists (select 1 from pool_reservations w where w.pool_id = r.pool_id and w.state = 'waiting')
      as has_waiters
    from pool_reservations r where r.state <> 'ended' and ${which}`)
  const ended: EndedRow[] = []
  for (const { pool_id: poolId, has_waiters: hasWaiters } of affected) {
    const quick = hasWaiters ? null : await endWhileNobodyWaits(db, poolId, which, order)
    ended.push(...(quick ?? (await endAndHandOut(db, meter, poolId, which, order, isOne))))
  }
  countEnded(meter, ended)
  return ended
}

/** Null when somebody waits after all: then the instance must be handed on under the pool's lock. */
async function endWhileNobodyWaits(
  db: Database,
  poolId: string,
  which: Sql,
  order: EndOrder,
): Promise<readonly EndedRow[] | null> {
  return db.transaction(async (tx) => {
    await sharePool(tx, poolId)
    const nobodyWaits = sql`not exists (
      select 1 from pool_reservations w where w.pool_id = ${poolId} and w.state = 'waiting')`
    const ended = await endHeld(tx, sql`r.pool_id = ${poolId} and ${which} and ${nobodyWaits}`, order)
    return ended.length === 0 ? null : ended
  })
}

async function endAndHandOut(
  db: Database,
  meter: PoolMeter,
  poolId: string,
  which: Sql,
  order: EndOrder,
  isOne: boolean,
): Promise<readonly EndedRow[]> {
  const [ended, waits, pool] = await db.transaction(async (tx) => {
    await lockPool(tx, poolId)
    const inPool = sql`r.pool_id = ${poolId} and ${which}`
    const held = await endHeld(tx, inPool, order)
    // One that was held does not wait as well.
    if (held.length === 0 || !isOne) {
      await endWaiting(tx, inPool, { ...order, ending: order.ending === 'released' ? 'withdrawn' : order.ending })
    }
    return [held, ...(await handOutOpen(tx, poolId))] as const
  })
  if (pool !== null) waits.forEach((ms) => meter.waited(pool.name, ms))
  return ended
}

/** Hands out what the pool has, unless it was closed. The caller holds its lock. */
export async function handOutOpen(tx: Queryable, poolId: string): Promise<readonly [readonly number[], Pool | null]> {
  const [pool] = await readPools(tx, sql`p.id = ${poolId}`)
  return pool === undefined ? [[], null] : [await handOut(tx, pool), pool]
}

/** The selector as a condition over `r`. */
function selected(selector: ReservationSelector): Sql {
  switch (selector.by) {
    case 'id':
      return sql`r.id = ${selector.id}`
    case 'client':
      // One at a time: a client may hold several that it reserved by id.
      return sql`r.id = (select o.id from pool_reservations o join pools p on p.id = o.pool_id
        where p.name = ${selector.pool} and o.client = ${selector.client} and o.state <> 'ended'
        order by o.state = 'waiting', o.is_exclusive desc, o.created_at limit 1)`
    case 'workflow_run':
      return sql`(r.repository is not null and (lower(r.client) = lower(${selector.clientPrefix})
          or starts_with(lower(r.client), lower(${selector.clientPrefix}) || '--'))
        and (${selector.before}::timestamptz is null or r.created_at <= ${selector.before}::timestamptz))`
    case 'run':
      return sql`r.run_id = ${selector.runId}`
    case 'pull_request':
      return sql`(r.repository_id = ${selector.repositoryId} and r.pull_request = ${selector.pullRequest})`
    case 'branch':
      return sql`(r.repository_id = ${selector.repositoryId} and r.branch = ${selector.branch} and r.pull_request is null)`
    case 'repositories':
      return sql`(r.repository_id = any(${[...selector.repositoryIds]}::bigint[])
        or r.repository = any(${selector.names.map((name) => name.toLowerCase())}::text[]))`
  }
}
