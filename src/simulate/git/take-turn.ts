/**
 * One writer at a time for each repository.
 *
 * What changes refs reads them before and after, and derives webhooks from the difference; two such changes at once
 * would each see the other's work as their own. Turns are promises chained on the repository's own record.
 */
import type { Repository } from '../world/repositories.ts'

export async function takeTurn<T>(repository: Repository, work: () => Promise<T>): Promise<T> {
  const mine = repository.turn.then(work, work)
  repository.turn = mine.catch(() => undefined)
  return mine
}
