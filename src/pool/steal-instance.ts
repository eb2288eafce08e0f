/** Taking an instance from its holder: only ever on purpose, with a reason, and on the record. */
import { checkRequest, type Problem } from './check-request.ts'
import type { Pool, Reservation } from './pool.ts'
import type { PoolStore } from './ports.ts'

export interface Theft {
  readonly client: string
  readonly actor: string
  readonly reason: string
  /** Null: the pool's default. */
  readonly timeoutMs: number | null
}

export type TheftAnswer =
  | { readonly kind: 'stolen'; readonly reservation: Reservation }
  | { readonly kind: 'not_held' }
  | Problem

export async function stealInstance(
  store: PoolStore,
  pool: Pool,
  instanceId: string,
  theft: Theft,
): Promise<TheftAnswer> {
  const { timeoutMs, ...input } = theft
  const checked = checkRequest({ ...input, ...(timeoutMs === null ? {} : { timeoutMs }) }, pool)
  if (checked.kind === 'invalid') return checked
  const reservation = await store.steal(pool, instanceId, checked.request, theft.reason)
  return reservation === null ? { kind: 'not_held' } : { kind: 'stolen', reservation }
}
