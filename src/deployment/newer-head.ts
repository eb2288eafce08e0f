import type { DeployDeps, DeployWork } from './deploy-deps.ts'
import { failureOf } from './failure.ts'
import type { RollFailure } from './release.ts'

/** An older commit never replaces a newer one (invariant I7): only the head of the branch is deployed. */
export async function newerHead(
  deps: Pick<DeployDeps, 'headOf'>,
  { run, plan, service }: Pick<DeployWork, 'run' | 'plan' | 'service'>,
): Promise<RollFailure | null> {
  if (plan.target.kind !== 'commit') return null
  const head = await deps.headOf(service)
  return head === null || head === run.sha ? null : failureOf('superseded', `superseded by ${head.slice(0, 12)}`)
}
