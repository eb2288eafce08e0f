/**
 * Does a run of kind `deployment`: one step after the other, each written down before the next begins. A process that
 * takes the run over enters at the state that is written and repeats its step; every step finds what it already did.
 *
 * Two things may end it early. A lost lease or a stopping process: nothing more is written, somebody else goes on. A
 * person or a newer commit: before the host is touched it just ends; afterwards a person's cancel brings the former
 * release back, and a newer commit waits its turn, because half a deployment is worse than a late one.
 */
import type { Lease } from '../core/lease.ts'
import type { Run } from '../core/run.ts'
import { SlipwayError } from '../core/errors.ts'
import { deploymentPlanOf } from './deployment-plan.ts'
import { isFinal, touchesHost } from './deployment-state.ts'
import type { DeployDeps, DeployWork, StepResult } from './deploy-deps.ts'
import { endDeployment, finishDeployment } from './end-deployment.ts'
import type { Deployment } from './release.ts'
import { bakeStep, rollBackStep, rollStep } from './roll-steps.ts'
import { buildStep, gateStep, publishStep, queuedStep } from './prepare-steps.ts'

export type DeploymentOutcome = Exclude<StepResult, { readonly kind: 'next' }>

export async function performDeployment(
  deps: DeployDeps,
  { run, lease, signal }: { readonly run: Run; readonly lease: Lease; readonly signal: AbortSignal },
): Promise<DeploymentOutcome> {
  const plan = deploymentPlanOf(run)
  const service = await deps.services.get(plan.serviceId)
  if (service === null) throw new SlipwayError('internal', `run ${run.id} belongs to no service`)
  let deployment = await deps.deployments.open(run.id, service.id)
  if (run.state === 'completed' && !touchesHost(deployment.state) && deployment.state !== 'live') return { kind: 'done' }

  const log = await deps.openLog(run.id)
  const cancelled = new AbortController()
  const forget = deps.runs.onCancel(run.id, ({ reason }) => cancelled.abort(new SlipwayError('cancelled', reason)))
  const work: DeployWork = { run, plan, service, lease, signal, cancel: AbortSignal.any([signal, cancelled.signal]), note: (line) => log.note(line) }
  try {
    for (;;) {
      signal.throwIfAborted()
      const result = await step(deps, work, deployment).catch((thrown: unknown) => onThrown(deps, work, deployment, thrown))
      if (result.kind !== 'next') return result
      deployment = result.deployment
    }
  } finally {
    forget()
    await log.close()
  }
}

function step(deps: DeployDeps, work: DeployWork, deployment: Deployment): Promise<StepResult> {
  switch (deployment.state) {
    case 'queued':
      return queuedStep(deps, work, deployment)
    case 'building':
      return buildStep(deps, work, deployment)
    case 'publishing':
      return publishStep(deps, work, deployment)
    case 'waiting':
      return gateStep(deps, work, deployment)
    case 'rolling':
      return deployment.direction === 'forward' ? rollStep(deps, work, deployment) : rollBackStep(deps, work, deployment)
    case 'baking':
      return bakeStep(deps, work, deployment)
    case 'live':
    case 'rolled_back':
    case 'failed':
    case 'superseded':
    case 'cancelled':
      return finishDeployment(deps, work, deployment)
  }
}

/** An interrupted step: by a person it is an outcome, by a lost lease or a fault of ours it is passed on. */
async function onThrown(deps: DeployDeps, work: DeployWork, deployment: Deployment, thrown: unknown): Promise<StepResult> {
  if (work.signal.aborted || !work.cancel.aborted || isFinal(deployment.state)) throw thrown
  const reason: unknown = work.cancel.reason
  const cause = reason instanceof Error ? reason.message : 'cancelled'
  const failure = { kind: 'cancelled', cause, exitCode: null, logTail: [] } as const
  if (touchesHost(deployment.state)) {
    const changed = await deps.deployments.change(work.lease, work.run.id, { state: 'rolling', direction: 'back', failure })
    return { kind: 'next', deployment: changed }
  }
  return endDeployment(deps, work, deployment, 'cancelled', failure)
}
