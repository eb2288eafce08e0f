/** Where the host changes: out with the new release, watched, and back to the former one when it is no good. */
import { within } from '../core/deadline.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { deploymentReport } from './deployment-report.ts'
import type { DeployDeps, DeployWork, StepResult } from './deploy-deps.ts'
import { endDeployment, goLive } from './end-deployment.ts'
import { factsOf } from './facts-of.ts'
import { failureOf } from './failure.ts'
import type { Hand, RollOutcome } from './ports.ts'
import { isElsewhere, releaseOf } from './release-of.ts'
import type { Deployment, Release, RollFailure } from './release.ts'
import { rolloutOf } from './rollout-of.ts'
import { handOf, runHooks } from './run-hooks.ts'

/** How often a release is looked at while it bakes. */
const BAKE_POLL_MS = 500
/** The way back gets as long as it needs to be tried properly; after this a person has to look. */
const BACK_DEADLINE_MS = 10 * 60_000

export async function rollStep(deps: DeployDeps, work: DeployWork, deployment: Deployment): Promise<StepResult> {
  const { run, lease, service } = work
  const release = await releaseOf(deps, deployment)
  // Telling people goes on beside the work: nobody waits for a sentence.
  const [outcome] = await Promise.all([
    rollOut(deps, work, release),
    tell(deps, work, deployment, `Rolls out release ${release.number}`),
  ])
  if (outcome.kind === 'failed') return turnBack(deps, work, outcome.failure)
  const desired = deploymentReport(
    service,
    release.sha,
    'in_progress',
    `release ${release.number} runs and is being watched`,
    deps.detailsUrl(run.id),
  )
  const change = { state: 'baking', warnings: outcome.warnings, reports: [{ runId: run.id, desired }] } as const
  return next(await deps.deployments.change(lease, run.id, change))
}

async function rollOut(deps: DeployDeps, work: DeployWork, release: Release): Promise<RollOutcome> {
  const rollout = await rolloutOf(work.service, release, work.run.id, deps.secrets)
  const refused = await runHooks(
    deps,
    work,
    rollout,
    'pre',
    work.plan.target.kind === 'commit' ? release.config.hooks.preDeploy : [],
  )
  if (refused !== null) return { kind: 'failed', failure: refused }
  return deps.driverOf(release.config.host, release.config.driver).roll(rollout, handOf(work, work.cancel))
}

async function tell(
  deps: DeployDeps,
  { run, lease, service }: DeployWork,
  deployment: Deployment,
  story: string,
): Promise<void> {
  const report = deps.words.progress(await factsOf(deps, { run, service }, deployment))
  await deps.runs.progress(lease, run.id, { report, story })
}

export async function bakeStep(deps: DeployDeps, work: DeployWork, deployment: Deployment): Promise<StepResult> {
  const release = await releaseOf(deps, deployment)
  await tell(deps, work, deployment, `Watches release ${release.number}`)
  const rollout = await rolloutOf(work.service, release, work.run.id, deps.secrets)
  const driver = deps.driverOf(release.config.host, release.config.driver)
  const end = deps.clock.monotonic() + Math.max(0, release.config.bakeMs - deployment.inStateMs)
  for (;;) {
    const condition = await driver.look(rollout, true)
    switch (condition.kind) {
      case 'failed':
        return turnBack(deps, work, condition.failure)
      case 'replaced':
        return turnBack(
          deps,
          work,
          failureOf('changed_by_others', `while it was being watched, somebody else put ${condition.by} in its place`),
        )
      case 'absent':
        return turnBack(
          deps,
          work,
          failureOf('changed_by_others', 'while it was being watched, somebody else removed it'),
        )
      case 'running':
        break
    }
    const left = end - deps.clock.monotonic()
    if (left <= 0) return goLive(deps, work, deployment, release)
    await delay(Math.min(left, BAKE_POLL_MS), undefined, { signal: work.cancel })
  }
}

/** Brings the former release back from our own history, whatever the host thinks was there before. */
export async function rollBackStep(deps: DeployDeps, work: DeployWork, deployment: Deployment): Promise<StepResult> {
  const { service } = work
  await tell(deps, work, deployment, 'Brings back what was there before')
  const failure = deployment.failure ?? failureOf('refused', 'it failed')
  const wasCancelled = failure.kind === 'cancelled'
  const release = await releaseOf(deps, deployment)
  const previous = deployment.previousReleaseId === null ? null : await deps.releases.get(deployment.previousReleaseId)
  const hand = handOf(work, within(BACK_DEADLINE_MS, work.signal))
  if (previous === null) {
    // Nothing was there before, unless this very release was live: then it stays as it is for a person to look at.
    if (service.liveReleaseId === null)
      await deps
        .driverOf(release.config.host, release.config.driver)
        .remove({ id: service.id, name: release.config.name }, hand)
    return endDeployment(deps, work, deployment, wasCancelled ? 'cancelled' : 'failed', failure)
  }
  const back = await rollBackTo(deps, work, previous, hand)
  if (back !== null) {
    return endDeployment(deps, work, deployment, 'failed', {
      ...failure,
      cause: `${failure.cause}; and release ${previous.number} could not be brought back: ${back.cause}`,
    })
  }
  if (isElsewhere(release, previous))
    await deps
      .driverOf(release.config.host, release.config.driver)
      .remove({ id: service.id, name: release.config.name }, hand)
  return endDeployment(deps, work, deployment, wasCancelled ? 'cancelled' : 'rolled_back', failure)
}

async function rollBackTo(
  deps: DeployDeps,
  work: DeployWork,
  previous: Release,
  hand: Hand,
): Promise<RollFailure | null> {
  const rollout = await rolloutOf(work.service, previous, work.run.id, deps.secrets)
  const driver = deps.driverOf(previous.config.host, previous.config.driver)
  if (previous.config.driver !== 'unikernel')
    await deps.delivery.deliver(previous.image, previous.config.host, hand.signal)
  const outcome = await driver.roll(rollout, hand)
  if (outcome.kind === 'failed') return outcome.failure
  await driver.settle(rollout, hand)
  return null
}

async function turnBack(deps: DeployDeps, work: DeployWork, failure: RollFailure): Promise<StepResult> {
  work.note(`failed: ${failure.cause}`)
  for (const line of failure.logTail) work.note(`  ${line}`)
  return next(await deps.deployments.change(work.lease, work.run.id, { state: 'rolling', direction: 'back', failure }))
}

function next(deployment: Deployment): StepResult {
  return { kind: 'next', deployment }
}
