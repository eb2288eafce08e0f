/**
 * The outbox of GitHub's Deployments, sent by the same job as the check runs so that both share one order and one
 * budget. A Deployment is created once per release and then only gets statuses; after a lost answer it is looked up by
 * the run id in its payload before it is created again.
 */
import type { Clock } from '../core/clock.ts'
import type { DeploymentReportStore, PendingDeployment } from '../core/deployment-report.ts'
import type { Logger } from '../core/logger.ts'
import { retryDelayMs } from '../core/retry.ts'
import type { GitHub } from './connect.ts'
import { classifyGitHubFailure } from './github-error.ts'
import type { WriteBudgetStore } from './ports.ts'
import type { SendResult } from './send-reports.ts'

/** GitHub's limit for descriptions. */
const LONGEST_DESCRIPTION = 140
/** A missing permission may be granted; after this many refusals it will not be. */
const MOST_REFUSALS = 8

export interface DeploymentSenderDeps {
  readonly github: GitHub
  readonly reports: DeploymentReportStore
  readonly budget: WriteBudgetStore
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
}

/** Sends the installation's next write of this outbox. */
export function deploymentSender(deps: DeploymentSenderDeps): (installationId: number) => Promise<SendResult> {
  return async (installationId) => {
    const pending = await deps.reports.nextDeployment(installationId)
    if (pending === null) return { kind: 'nothing', nextInMs: await deps.reports.untilNextDeployment(installationId) }
    const waitMs = await deps.budget.take(installationId, pending.deploymentId === null)
    if (waitMs > 0) return { kind: 'wait', ms: waitMs, cause: 'the limit of writes to GitHub' }
    try {
      await send(deps, installationId, pending)
      return { kind: 'sent' }
    } catch (error) {
      return await onFailure(deps, installationId, pending, error)
    }
  }
}

async function send(deps: DeploymentSenderDeps, installationId: number, pending: PendingDeployment): Promise<void> {
  const known = pending.deploymentId ?? (pending.mayExist ? await find(deps, installationId, pending) : null)
  const deploymentId = known ?? (await create(deps, installationId, pending))
  const { state, description, logUrl, environmentUrl, environment } = pending.desired
  await deps.github
    .installation(installationId)
    .request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
      owner: pending.owner,
      repo: pending.repository,
      deployment_id: deploymentId,
      state,
      environment,
      description: description.slice(0, LONGEST_DESCRIPTION),
      log_url: logUrl,
      ...(environmentUrl === null ? {} : { environment_url: environmentUrl }),
    })
  await deps.reports.markDeploymentSent(pending.runId, pending.version)
}

async function create(deps: DeploymentSenderDeps, installationId: number, pending: PendingDeployment): Promise<number> {
  const { ref, environment, transient, production, description } = pending.desired
  await deps.reports.markCreatingDeployment(pending.runId)
  const { data } = await deps.github.installation(installationId).request('POST /repos/{owner}/{repo}/deployments', {
    owner: pending.owner,
    repo: pending.repository,
    ref,
    // Without these GitHub may merge the default branch into the commit, or wait for our own unfinished checks.
    auto_merge: false,
    required_contexts: [],
    environment,
    description: description.slice(0, LONGEST_DESCRIPTION),
    transient_environment: transient,
    production_environment: production,
    payload: { slipway_run: pending.runId },
  })
  if (!('id' in data)) throw new Error('GitHub merged instead of creating a deployment')
  const id = Number(data.id)
  await deps.reports.keepDeploymentId(pending.runId, id)
  return id
}

async function find(
  deps: DeploymentSenderDeps,
  installationId: number,
  pending: PendingDeployment,
): Promise<number | null> {
  const { data } = await deps.github.installation(installationId).request('GET /repos/{owner}/{repo}/deployments', {
    owner: pending.owner,
    repo: pending.repository,
    sha: pending.desired.ref,
    environment: pending.desired.environment,
    per_page: 100,
  })
  const found = data.find(({ payload }) => typeof payload === 'object' && payload['slipway_run'] === pending.runId)
  if (found === undefined) return null
  const id = Number(found.id)
  await deps.reports.keepDeploymentId(pending.runId, id)
  return id
}

async function onFailure(
  deps: DeploymentSenderDeps,
  installationId: number,
  pending: PendingDeployment,
  error: unknown,
): Promise<SendResult> {
  const failure = classifyGitHubFailure(error, deps.clock.now())
  deps.logger.warn({ runId: pending.runId, failure }, 'a deployment could not be reported')
  switch (failure.kind) {
    case 'limited':
      await deps.budget.block(installationId, failure.waitMs)
      await deps.reports.markDeploymentFailed(pending.runId, failure.message, failure.waitMs)
      return { kind: 'wait', ms: failure.waitMs, cause: failure.message }
    case 'unavailable':
      await deps.reports.markDeploymentFailed(
        pending.runId,
        failure.message,
        retryDelayMs(pending.failures, deps.random()),
      )
      return { kind: 'sent' }
    case 'refused':
      if (pending.failures + 1 >= MOST_REFUSALS) await deps.reports.giveUpDeployment(pending.runId, failure.message)
      else
        await deps.reports.markDeploymentFailed(
          pending.runId,
          failure.message,
          retryDelayMs(pending.failures, deps.random()),
        )
      return { kind: 'sent' }
  }
}
