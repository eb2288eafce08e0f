/** How a deployment ends: first as a state in the database, then on GitHub, then by clearing up. Each may be repeated. */
import type { DeploymentReportState } from '../core/deployment-report.ts'
import type { Conclusion } from '../core/run.ts'
import { deploymentReport } from './deployment-report.ts'
import type { FinalState } from './deployment-state.ts'
import type { DeployDeps, DeployWork, StepResult } from './deploy-deps.ts'
import { factsOf } from './facts-of.ts'
import type { DeploymentChange, OutboxMessage } from './ports.ts'
import { isElsewhere, releaseOf } from './release-of.ts'
import type { Deployment, Release, ReleaseOutcome, RollFailure } from './release.ts'
import { rolloutOf } from './rollout-of.ts'
import { handOf, runHooks } from './run-hooks.ts'

export const POST_DEPLOY_FAILED = 'post_deploy_failed'

const CONCLUSION: Readonly<Record<FinalState, Conclusion>> = {
  live: 'success',
  rolled_back: 'failure',
  failed: 'failure',
  superseded: 'cancelled',
  cancelled: 'cancelled',
}

/** The release is trusted from now on. */
export async function goLive(
  deps: DeployDeps,
  work: DeployWork,
  deployment: Deployment,
  release: Release,
): Promise<StepResult> {
  const { run, service, lease, plan } = work
  const rollout = await rolloutOf(service, release, run.id, deps.secrets)
  const isWayBack = plan.target.kind === 'release'
  const failed = await runHooks(deps, work, rollout, 'post', isWayBack ? [] : release.config.hooks.postDeploy)
  const previous = deployment.previousReleaseId === null ? null : await deps.releases.get(deployment.previousReleaseId)
  const facts = await factsOf(deps, work, { ...deployment, state: 'live' })
  const line = deps.words.oneLine(facts)
  const isRollback = isWayBack && previous !== null && previous.sha !== release.sha
  const reports = [
    { runId: run.id, desired: deploymentReport(service, release.sha, 'success', line, deps.detailsUrl(run.id)) },
    ...(previous === null || previous.runId === run.id
      ? []
      : [
          {
            runId: previous.runId,
            desired: deploymentReport(
              service,
              previous.sha,
              'inactive',
              `replaced by ${release.sha.slice(0, 7)}`,
              deps.detailsUrl(previous.runId),
            ),
          },
        ]),
  ]
  const change: DeploymentChange = {
    state: 'live',
    releases: [{ id: release.id, outcome: 'live' }],
    // What a person rolled back stays back, or the next push of anything else would bring it again by itself.
    service: {
      liveReleaseId: release.id,
      ...(isRollback ? { heldSha: previous?.sha ?? null } : isWayBack ? {} : { heldSha: null }),
    },
    warnings: failed === null ? [] : [POST_DEPLOY_FAILED],
    ...(failed === null ? {} : { failure: failed }),
    reports,
    outbox: messages(work, 'live', line),
  }
  return { kind: 'next', deployment: await deps.deployments.change(lease, run.id, change) }
}

/** Every other end. `rolled_back` and `failed` hold the commit back; a commit that never touched the host is free. */
export async function endDeployment(
  deps: DeployDeps,
  work: DeployWork,
  deployment: Deployment,
  state: Exclude<FinalState, 'live'>,
  failure: RollFailure,
): Promise<StepResult> {
  const { run, service, lease } = work
  const facts = await factsOf(deps, work, { ...deployment, state, failure })
  const line = deps.words.oneLine(facts)
  const wasRolling = deployment.state === 'rolling'
  const { release } = facts
  const outcome: ReleaseOutcome = wasRolling ? (state === 'rolled_back' ? 'rolled_back' : 'failed') : 'dropped'
  const isOwnRelease = release !== null && release.runId === run.id
  const githubState: DeploymentReportState = state === 'superseded' || state === 'cancelled' ? 'inactive' : 'failure'
  const change: DeploymentChange = {
    state,
    failure,
    ...(isOwnRelease ? { releases: [{ id: release.id, outcome, reason: failure.cause }] } : {}),
    ...(wasRolling && isOwnRelease && state !== 'cancelled' ? { service: { heldSha: release.sha } } : {}),
    ...(release === null
      ? {}
      : {
          reports: [
            {
              runId: run.id,
              desired: deploymentReport(service, release.sha, githubState, line, deps.detailsUrl(run.id)),
            },
          ],
        }),
    outbox: state === 'rolled_back' || state === 'failed' ? messages(work, state, line) : [],
  }
  return { kind: 'next', deployment: await deps.deployments.change(lease, run.id, change) }
}

/** The state is final: GitHub is told, and what is no longer needed goes. */
export async function finishDeployment(
  deps: DeployDeps,
  work: DeployWork,
  deployment: Deployment,
): Promise<StepResult> {
  const { run, lease } = work
  const facts = await factsOf(deps, work, deployment)
  const isOpen = (await deps.runs.get(run.id))?.state !== 'completed'
  if (isOpen) {
    const report = deps.words.end(facts)
    const conclusion = conclusionOf(deployment)
    const result = {
      state: deployment.state,
      releaseId: deployment.releaseId,
      failure: deployment.failure,
      timeline: deployment.timeline,
    }
    await deps.runs.complete(lease, run.id, {
      conclusion,
      reason: deployment.failure?.kind ?? null,
      result,
      report,
      story: report.output.title,
    })
  }
  await deps.hooks.clear(work.service.host, run.id)
  if (deployment.state === 'live') await clearUp(deps, work, deployment, facts.previous)
  return { kind: 'done' }
}

function conclusionOf({ state, failure, warnings }: Deployment): Conclusion {
  if (failure?.kind === 'held') return 'neutral'
  if (state === 'live') return warnings.includes(POST_DEPLOY_FAILED) ? 'failure' : 'success'
  return state === 'rolled_back' || state === 'failed' || state === 'superseded' || state === 'cancelled'
    ? CONCLUSION[state]
    : 'failure'
}

async function clearUp(
  deps: DeployDeps,
  work: DeployWork,
  deployment: Deployment,
  previous: Release | null,
): Promise<void> {
  const release = await releaseOf(deps, deployment)
  const service = await deps.services.get(work.service.id)
  // Somebody may have gone on from here while this process was away; then it is theirs to clear up.
  if (service?.liveReleaseId !== release.id) return
  const hand = handOf(work, work.signal)
  await deps
    .driverOf(release.config.host, release.config.driver)
    .settle(await rolloutOf(service, release, work.run.id, deps.secrets), hand)
  if (previous !== null && isElsewhere(release, previous)) {
    await deps
      .driverOf(previous.config.host, previous.config.driver)
      .remove({ id: service.id, name: previous.config.name }, hand)
  }
}

function messages({ run, plan, service }: DeployWork, state: string, line: string): readonly OutboxMessage[] {
  const about = {
    repositoryId: run.repositoryId,
    service: service.key,
    environment: service.environment,
    sha: run.sha,
    state,
    runId: run.id,
    text: line,
  }
  const channels = plan.tellsSlack ? (['slack', 'webhook'] as const) : (['webhook'] as const)
  return channels.map((channel) => ({ key: `${channel}:deployment:${run.id}:${state}`, channel, body: about }))
}
