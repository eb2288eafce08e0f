/**
 * Whether a run may become a deployment at all. A service that may not be deployed here does not even get its row, because
 * with the row it would get its name on the host.
 */
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { Lease } from '../core/lease.ts'
import type { Run } from '../core/run.ts'
import type { DeployDeps, DeploymentOutcome } from './deploy-deps.ts'
import type { DeploymentPlan } from './deployment-plan.ts'
import { refusalOf } from './plan-deployments.ts'
import type { Service } from './release.ts'

/** A dry run waits for the server to be started in earnest. */
const DRY_RUN_POLL_MS = 60_000

export async function admit(
  deps: DeployDeps,
  run: Run,
  plan: DeploymentPlan,
  lease: Lease,
): Promise<Service | DeploymentOutcome | null> {
  if (deps.confirm() === 'harmless')
    return { kind: 'wait', delayMs: DRY_RUN_POLL_MS, cause: 'CONFIRM=harmless: nothing is changed' }
  const { service, target } = plan
  if (target.kind === 'release') return deps.services.find(service.repositoryId, service.key, service.pullRequest)
  const policy = await deps.policyOf(service.repositoryId)
  const refusal = policy === null ? null : refusalOf(target.config, { policy, hosts: deps.hosts() })
  if (refusal !== null) return refuse(deps, run, plan, lease, deps.words.refusal(refusal))
  try {
    return await deps.services.keep(service)
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== 'conflict') throw error
    return refuse(deps, run, plan, lease, errorMessage(error))
  }
}

async function refuse(
  deps: DeployDeps,
  run: Run,
  plan: DeploymentPlan,
  lease: Lease,
  why: string,
): Promise<DeploymentOutcome> {
  const report = deps.words.refused(plan.service.key, why)
  await deps.runs.complete(lease, run.id, {
    conclusion: 'failure',
    reason: 'not_allowed',
    result: null,
    report,
    story: why,
  })
  return { kind: 'done' }
}
