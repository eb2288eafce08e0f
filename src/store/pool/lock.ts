/**
 * Who may look at a pool's queue. Two questions must never be answered past each other: "is nothing free, so that I
 * have to wait?" and "does nobody wait, so that this becomes free?". Whoever queues, or hands out to the queue, holds
 * the pool's lock alone; whoever only frees an instance because nobody waits holds it together with others like it.
 * Taking a free instance needs no lock of the pool: the row's own lock decides, and the index `pool_holds_one_holder`
 * stands behind it.
 *
 * The lock ends with the transaction. What was read before it was held may be stale and has to be read again.
 */
import { sql, type Queryable } from '../database.ts'

/** Any constant that differs from our other advisory locks. */
const POOL_LOCK = 7_305_523

export async function lockPool(tx: Queryable, poolId: string): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(${POOL_LOCK}::int, ${poolId}::int)`)
}

export async function sharePool(tx: Queryable, poolId: string): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock_shared(${POOL_LOCK}::int, ${poolId}::int)`)
}
