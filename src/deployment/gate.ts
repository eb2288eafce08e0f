/** Whether a deployment that is ready may go on, and what it waits for. Pure: the same facts give the same answer. */
import type { FreezeWindow } from '../config/server-config.ts'
import type { ConfirmLevel } from '../config/settings.ts'
import { activeFreeze } from './freeze.ts'
import type { ServiceLock } from './release.ts'

export interface GateFacts {
  readonly now: Date
  readonly confirm: ConfirmLevel
  readonly lock: ServiceLock | null
  readonly freeze: readonly FreezeWindow[]
  readonly freezeOverride: { readonly by: string; readonly reason: string } | null
  /** The admin wants a person to approve what goes to this environment. */
  readonly needsApproval: boolean
  /** Who approved this very image for this environment. */
  readonly approvedBy: string | null
}

export type GateReason =
  | { readonly kind: 'dry_run' }
  | { readonly kind: 'lock'; readonly by: string; readonly reason: string; readonly until: Date | null }
  | { readonly kind: 'freeze'; readonly reason: string; readonly until: Date }
  | { readonly kind: 'approval' }
  | { readonly kind: 'start' }

export type GateAnswer =
  | { readonly kind: 'open' }
  | { readonly kind: 'wait'; readonly reasons: readonly [GateReason, ...GateReason[]] }

export function gate(facts: GateFacts): GateAnswer {
  const [first, ...others] = reasonsToWait(facts)
  return first === undefined ? { kind: 'open' } : { kind: 'wait', reasons: [first, ...others] }
}

function reasonsToWait(facts: GateFacts): readonly GateReason[] {
  const { lock } = facts
  const isLocked = lock !== null && (lock.until === null || lock.until > facts.now)
  const freeze = facts.freezeOverride === null ? activeFreeze(facts.freeze, facts.now) : null
  return [
    ...(facts.confirm === 'harmless' ? [{ kind: 'dry_run' } as const] : []),
    ...(isLocked ? [{ kind: 'lock', by: lock.by, reason: lock.reason, until: lock.until } as const] : []),
    ...(freeze === null ? [] : [{ kind: 'freeze', reason: freeze.reason, until: freeze.until } as const]),
    ...(facts.approvedBy !== null
      ? []
      : facts.needsApproval
        ? [{ kind: 'approval' } as const]
        : facts.confirm === 'deploys'
          ? [{ kind: 'start' } as const]
          : []),
  ]
}

/** A person has to act; until then GitHub shows the check run as `action_required`. */
export function needsPerson(reasons: readonly GateReason[]): boolean {
  return reasons.some((reason) => reason.kind === 'approval' || reason.kind === 'start')
}
