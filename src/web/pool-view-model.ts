/** What the pool page shows. */
import type { Instance, Pool, PoolOverview, QueueEntry, UsageHour } from '../pool/index.ts'
import type { Session } from './session.ts'

export interface PoolView {
  readonly pools: readonly PoolOverview[]
  readonly overview: PoolOverview
  readonly instances: readonly Instance[]
  readonly queue: readonly QueueEntry[]
  readonly usage: readonly UsageHour[]
  /** The newest event when this was read: whatever is newer makes it stale. */
  readonly version: string
  readonly session: Session
  /** Where GitHub is, without a closing slash. */
  readonly githubUrl: string
}

/** A form that was sent back with what is wrong. */
export interface AddForm {
  readonly domain: string
  readonly labels: string
  readonly note: string
  readonly problems: Readonly<Record<string, string>>
}

export const EMPTY_FORM: AddForm = { domain: '', labels: '', note: '', problems: {} }

export function poolPath(pool: Pick<Pool, 'name'>, rest = ''): string {
  return `/pools/${encodeURIComponent(pool.name)}${rest}`
}
