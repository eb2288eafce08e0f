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
import type { DeployDeps, DeploymentOutcome, DeployWork, StepResult } from './deploy-deps.ts'
import { endDeployment, finishDeployment } from './end-deployment.ts'
import type { Deployment } from './release.ts'
import { bakeStep, rollBackStep, rollStep } from './roll-steps.ts'
import { admit } from './admit.ts'
import { newerHead } from './newer-head.ts'
import { buildStep, gateStep, publishStep, queuedStep } from './prepare-steps.ts'

/** While an image is built, this often a newer commit is looked for that makes it needless. */
const HEAD_LOOK_MS = 2_000

export async function performDeployment(
  deps: DeployDeps,
  { run, lease, signal }: { readonly run: Run; readonly lease: Lease; readonly signal: AbortSignal },
): Promise<DeploymentOutcome> {
  const plan = deploymentPlanOf(run)
  const known = await deps.deployments.get(run.id)
  if (run.state === 'completed' && (known === null || !(touchesHost(known.state) || known.state === 'live')))
    return { kind: 'done' }
  const admitted = known === null ? await admit(deps, run, plan, lease) : await deps.services.get(known.serviceId)
  if (admitted === null) throw new SlipwayError('internal', `run ${run.id} belongs to no service`)
  if ('kind' in admitted) return admitted
  const service = admitted
  let deployment = known ?? (await deps.deployments.open(run.id, service.id))

  const log = await deps.openLog(run.id)
  const cancelled = new AbortController()
  const forget = deps.runs.onCancel(run.id, ({ reason }) => cancelled.abort(new SlipwayError('cancelled', reason)))
  const work: DeployWork = {
    run,
    plan,
    service,
    lease,
    signal,
    cancel: AbortSignal.any([signal, cancelled.signal]),
    note: (line) => log.note(line),
  }
  const look = setInterval(() => {
    // Somebody's change of mind is not worth a wrong end: a look that fails is repeated by the next.
    void giveWay(deps, work, deployment, cancelled).catch(() => undefined)
  }, HEAD_LOOK_MS)
  try {
    for (;;) {
      signal.throwIfAborted()
      const result = await step(deps, work, deployment).catch((thrown: unknown) =>
        onThrown(deps, work, deployment, thrown),
      )
      if (result.kind !== 'next') return result
      deployment = result.deployment
    }
  } finally {
    clearInterval(look)
    forget()
    await log.close()
  }
}

/** Nothing of the host is touched yet, so a newer commit may go first. */
async function giveWay(
  deps: DeployDeps,
  work: DeployWork,
  deployment: Deployment,
  cancelled: AbortController,
): Promise<void> {
  if (deployment.state !== 'building' && deployment.state !== 'publishing') return
  const newer = await newerHead(deps, work)
  if (newer !== null) cancelled.abort(new Superseded(newer.cause))
}

/** Tells a newer commit from a person's cancel; never leaves this file. */
class Superseded extends Error {}

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
      return deployment.direction === 'forward'
        ? rollStep(deps, work, deployment)
        : rollBackStep(deps, work, deployment)
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
async function onThrown(
  deps: DeployDeps,
  work: DeployWork,
  deployment: Deployment,
  thrown: unknown,
): Promise<StepResult> {
  if (work.signal.aborted || !work.cancel.aborted || isFinal(deployment.state)) throw thrown
  const reason: unknown = work.cancel.reason
  const cause = reason instanceof Error ? reason.message : 'cancelled'
  const isSuperseded = reason instanceof Superseded
  const failure = { kind: isSuperseded ? 'superseded' : 'cancelled', cause, exitCode: null, logTail: [] } as const
  if (touchesHost(deployment.state)) {
    const changed = await deps.deployments.change(work.lease, work.run.id, {
      state: 'rolling',
      direction: 'back',
      failure,
    })
    return { kind: 'next', deployment: changed }
  }
  return endDeployment(deps, work, deployment, isSuperseded ? 'superseded' : 'cancelled', failure)
}
