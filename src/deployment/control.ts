/** What people ask of services: a way back, a lock, an approval. Rights were checked by whoever calls. */
import { SlipwayError } from '../core/errors.ts'
import type { Run, RunSource } from '../core/run.ts'
import type { DesiredCheck } from '../core/check.ts'
import type { RunStore } from '../core/run-store.ts'
import { DEPLOYMENT_JOB, deploymentName, serviceLane, type DeploymentPlan } from './deployment-plan.ts'
import type {
  DeploymentApprovals,
  DeploymentStore,
  DeploymentUpkeep,
  NewService,
  ReleaseStore,
  ServiceStore,
} from './ports.ts'
import { isGoodRelease, type Deployment, type Release, type Service } from './release.ts'

export interface ControlDeps {
  readonly runs: RunStore
  readonly services: ServiceStore
  readonly releases: ReleaseStore
  readonly deployments: DeploymentStore
  readonly approvals: DeploymentApprovals
  readonly upkeep: DeploymentUpkeep
  readonly newId: () => string
  readonly queuedCheck: (service: string) => DesiredCheck
}

/** How many releases of a service can be gone back to; older images are removed. */
export const KEPT_RELEASES = 10
/** From its start to its end; waiting for people does not count. */
const LIMIT_MS = 90 * 60_000

/** One at a time for each service, whatever process does it. */
export function deploymentJob(service: Pick<NewService, 'repositoryId' | 'key' | 'pullRequest'>) {
  return { kind: DEPLOYMENT_JOB, lane: serviceLane(service), laneCap: 1 }
}

export function deploymentLimitMs(imageTimeoutMs: number): number {
  return LIMIT_MS + imageTimeoutMs
}

/** What a rollback would bring back, without doing it. */
export interface RollbackPreview {
  readonly from: Release | null
  readonly to: Release
  /** Names of variables that would change, appear or go. */
  readonly changedEnv: readonly string[]
  /** Secrets that would be used in an older version. */
  readonly changedSecrets: readonly string[]
}

export async function previewRollback(
  deps: Pick<ControlDeps, 'releases'>,
  service: Service,
  to: string | null,
): Promise<RollbackPreview> {
  const releases = await deps.releases.list(service.id, 200)
  const from = releases.find((release) => release.id === service.liveReleaseId) ?? null
  const target =
    to === null
      ? releases.find((release) => isGoodRelease(release) && release.id !== from?.id)
      : releases.find((release) => isNamed(release, to))
  if (target === undefined) {
    throw new SlipwayError(
      'not_found',
      to === null ? `${service.key} has no earlier release to go back to` : `${service.key} has no release ${to}`,
      { field: 'to' },
    )
  }
  if (target.id === from?.id)
    throw new SlipwayError('conflict', `release ${target.number} is live already`, { field: 'to' })
  if (!isGoodRelease(target))
    throw new SlipwayError(
      'conflict',
      `release ${target.number} cannot be gone back to: it ${target.isPruned ? 'was removed long ago' : 'was never good'}`,
      { field: 'to' },
    )
  return {
    from,
    to: target,
    changedEnv: differences(from?.config.env ?? {}, target.config.env),
    changedSecrets: differences(from?.secretVersions ?? {}, target.secretVersions),
  }
}

/** A release is named by its number, its id, or its commit. */
function isNamed(release: Release, name: string): boolean {
  return (
    release.id === name ||
    String(release.number) === name ||
    (name.length >= 7 && release.sha.startsWith(name.toLowerCase()))
  )
}

function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .toSorted()
}

/** Starts a rollback. A lock stands in its way unless the person says that they know. */
export async function requestRollback(
  deps: ControlDeps,
  service: Service,
  wanted: { readonly to: string | null; readonly by: string; readonly force: boolean },
): Promise<Run> {
  if (service.lock !== null && !wanted.force && service.lock.by !== wanted.by) {
    throw new SlipwayError('conflict', `${service.key} is locked by ${service.lock.by}: ${service.lock.reason}`, {
      remedy: 'unlock it, or ask with force',
    })
  }
  const { to } = await previewRollback(deps, service, wanted.to)
  return createReleaseRun(deps, service, to, 'rollback', wanted.by)
}

/** Puts the live release in place again, because the host shows something else. */
export async function requestDriftFix(deps: ControlDeps, service: Service, by: string): Promise<Run> {
  const live = service.liveReleaseId === null ? null : await deps.releases.get(service.liveReleaseId)
  if (live === null) throw new SlipwayError('conflict', `${service.key} has no live release`)
  return createReleaseRun(deps, service, live, 'drift', by)
}

async function createReleaseRun(
  deps: ControlDeps,
  service: Service,
  release: Release,
  why: 'rollback' | 'drift',
  by: string,
): Promise<Run> {
  const plan: DeploymentPlan = {
    service: { ...service, expiresInMs: null },
    target: { kind: 'release', releaseId: release.id, why },
    askedBy: by,
    tellsSlack: true,
  }
  const name = deploymentName(service.key, service.pullRequest)
  const source: RunSource = {
    event: 'manual',
    trust: 'trusted',
    ref: `refs/heads/${service.branch}`,
    branch: service.branch,
    tag: null,
    pullRequest: service.pullRequest,
    actor: by,
  }
  const story =
    why === 'rollback'
      ? `${by} asked to go back to release ${release.number}`
      : `${by} asked to put release ${release.number} in place again`
  const [run] = await deps.runs.create([
    {
      repositoryId: service.repositoryId,
      sha: release.sha,
      name,
      attempt: (await deps.runs.lastAttempt(service.repositoryId, release.sha, name)) + 1,
      kind: 'deployment',
      source,
      groupId: deps.newId(),
      supersedeKey: null,
      plan,
      timeoutMs: LIMIT_MS,
      report: deps.queuedCheck(service.key),
      story,
      job: { ...deploymentJob(service), priority: 10 },
    },
  ])
  if (run === undefined)
    throw new SlipwayError('conflict', 'somebody asked for the same at this moment; look at the newest run')
  return run
}

export async function lockService(
  deps: ControlDeps,
  service: Service,
  lock: { readonly by: string; readonly reason: string; readonly until: Date | null },
): Promise<Service> {
  if (
    service.lock !== null &&
    service.lock.by !== lock.by &&
    (service.lock.until === null || service.lock.until > new Date())
  ) {
    throw new SlipwayError('conflict', `${service.key} is locked by ${service.lock.by} already: ${service.lock.reason}`)
  }
  return deps.services.lock(service.id, lock)
}

export async function unlockService(deps: ControlDeps, service: Service): Promise<Service> {
  const unlocked = await deps.services.unlock(service.id)
  await deps.upkeep.wake(service.id)
  return unlocked
}

/** The image that waits may go live. Whoever pushed it may not be the only one to have looked, where `isSelfAllowed` is false. */
export async function approveDeployment(
  deps: ControlDeps,
  run: Run,
  by: string,
  isSelfAllowed: boolean,
): Promise<void> {
  const { deployment, service, release } = await waitingOf(deps, run)
  if (!isSelfAllowed && run.source.actor?.toLowerCase() === by.toLowerCase()) {
    throw new SlipwayError('not_allowed', `${by} may not approve their own deployment`)
  }
  await deps.approvals.approve(service.repositoryId, release.image, service.environment, by)
  await deps.runs.note(
    deployment.runId,
    'approved',
    `${by} approved release ${release.number} for ${service.environment}`,
  )
  await deps.upkeep.wake(service.id)
}

export async function passFreeze(deps: ControlDeps, run: Run, by: string, reason: string): Promise<void> {
  const { deployment, service } = await waitingOf(deps, run)
  await deps.deployments.overrideFreeze(deployment.runId, by, reason)
  await deps.runs.note(deployment.runId, 'freeze_overridden', `${by} let it pass the freeze: ${reason}`)
  await deps.upkeep.wake(service.id)
}

async function waitingOf(
  deps: ControlDeps,
  run: Run,
): Promise<{ readonly deployment: Deployment; readonly service: Service; readonly release: Release }> {
  const deployment = await deps.deployments.get(run.id)
  const service = deployment === null ? null : await deps.services.get(deployment.serviceId)
  const release = deployment?.releaseId == null ? null : await deps.releases.get(deployment.releaseId)
  if (deployment === null || service === null || release === null || deployment.state !== 'waiting') {
    throw new SlipwayError('conflict', 'this deployment does not wait for anybody')
  }
  return { deployment, service, release }
}
