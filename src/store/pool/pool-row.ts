import type { Cleaning, HealthCheck, Pool, Selection, Source } from '../../pool/ports.ts'
import { sql, type Queryable, type Sql } from '../database.ts'

interface PoolRow {
  readonly id: string
  readonly name: string
  readonly timeout_ms: string
  readonly max_timeout_ms: string
  readonly cleaning: Cleaning | null
  readonly health: HealthCheck | null
  readonly selection: Selection
  readonly quarantine_after: number
  readonly max_held_per_repository: number | null
  readonly max_waiting_per_repository: number | null
  readonly source: Source
}

/** The open pools for which `which` holds over `p`, the default one first. */
export async function readPools(db: Queryable, which: Sql): Promise<readonly Pool[]> {
  const rows = await db.rows<PoolRow>(sql`
    select p.* from pools p where p.closed_at is null and ${which} order by p.name <> 'default', p.name`)
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    timeoutMs: Number(row.timeout_ms),
    maxTimeoutMs: Number(row.max_timeout_ms),
    cleaning: row.cleaning,
    health: row.health,
    selection: row.selection,
    quarantineAfter: row.quarantine_after,
    maxHeldPerRepository: row.max_held_per_repository,
    maxWaitingPerRepository: row.max_waiting_per_repository,
    source: row.source,
  }))
}
