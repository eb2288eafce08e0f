/** From the push until the roll-out may begin. Nothing here touches what runs. */
import { setTimeout as delay } from 'node:timers/promises'
import { isAsked } from './deployment-plan.ts'
import { deploymentReport } from './deployment-report.ts'
import type { DeployDeps, DeployWork, StepResult } from './deploy-deps.ts'
import { endDeployment } from './end-deployment.ts'
import { factsOf } from './facts-of.ts'
import { failureOf, usersFault } from './failure.ts'
import { gate, type GateReason } from './gate.ts'
import { newerHead } from './newer-head.ts'
import { releaseOf } from './release-of.ts'
import type { Deployment, Release, ReleaseImage } from './release.ts'

/** The check that builds the same images; its result is used instead of building twice at once. */
const DEPLOYABILITY = 'deployability'
const BUILD_POLL_MS = 200
/** How often a waiting deployment looks again by itself; an unlock or an approval wakes it at once. */
const GATE_POLL_MS = 15_000

export async function queuedStep(deps: DeployDeps, work: DeployWork, deployment: Deployment): Promise<StepResult> {
  const { run, plan, service, lease } = work
  await deps.runs.start(lease, run.id, deps.words.progress(await factsOf(deps, work, deployment)), 'Started')
  work.cancel.throwIfAborted()
  if (plan.target.kind === 'release') {
    return next(await deps.deployments.change(lease, run.id, { state: 'publishing', releaseId: plan.target.releaseId }))
  }
  const newer = await newerHead(deps, work)
  if (newer !== null) return endDeployment(deps, work, deployment, 'superseded', newer)
  if (service.heldSha === run.sha && !isAsked(plan, run.attempt)) {
    return endDeployment(
      deps,
      work,
      deployment,
      'cancelled',
      failureOf('held', 'this commit was rolled back; it stays back until a newer one comes or somebody asks for it'),
    )
  }
  return next(await deps.deployments.change(lease, run.id, { state: 'building' }))
}

export async function buildStep(deps: DeployDeps, work: DeployWork, deployment: Deployment): Promise<StepResult> {
  const { run, plan, service, lease } = work
  if (plan.target.kind !== 'commit') return next(await deps.deployments.change(lease, run.id, { state: 'publishing' }))
  await deps.runs.progress(lease, run.id, { report: deps.words.progress(await factsOf(deps, work, deployment)) })
  const { config } = plan.target
  try {
    const image = await imageOf(deps, work)
    const secretVersions = await deps.secrets.pin(service.repositoryId, config.secrets)
    const release = await deps.releases.prepare(lease, {
      serviceId: service.id,
      runId: run.id,
      sha: run.sha,
      image,
      config,
      secretVersions,
    })
    const desired = deploymentReport(
      service,
      run.sha,
      'queued',
      `release ${release.number} is ready`,
      deps.detailsUrl(run.id),
    )
    return next(
      await deps.deployments.change(lease, run.id, {
        state: 'publishing',
        releaseId: release.id,
        reports: [{ runId: run.id, desired }],
      }),
    )
  } catch (thrown) {
    return endDeployment(deps, work, deployment, 'failed', usersFault(thrown, 'build_failed'))
  }
}

async function imageOf(deps: DeployDeps, work: DeployWork): Promise<ReleaseImage> {
  const { run, plan, service, cancel } = work
  if (plan.target.kind !== 'commit') throw new Error('a release has its image')
  const { config, image, treeSha } = plan.target
  if (config.image.kind === 'ref') return deps.images.resolveImage(config.image.ref, service.host, cancel)
  if (image === null) throw new Error(`the image ${config.image.key} is not in the plan`)
  while (
    (await deps.runs.list({ repositoryId: run.repositoryId, sha: run.sha, name: DEPLOYABILITY, isOpen: true })).length >
    0
  ) {
    await delay(BUILD_POLL_MS, undefined, { signal: cancel })
  }
  // A unikernel is built for its target.
  const args = config.unikernel === null ? image.args : { ...image.args, TARGET: config.unikernel }
  const wanted = {
    repositoryId: run.repositoryId,
    sha: run.sha,
    ref: run.source.ref,
    treeSha,
    image: { ...image, args },
    host: service.host,
    runId: run.id,
  }
  return deps.images.ensureImage(wanted, work.note, cancel)
}

export async function publishStep(deps: DeployDeps, work: DeployWork, deployment: Deployment): Promise<StepResult> {
  const release = await releaseOf(deps, deployment)
  try {
    if (release.config.driver !== 'unikernel')
      await deps.delivery.deliver(release.image, release.config.host, work.cancel)
    return next(await deps.deployments.change(work.lease, work.run.id, { state: 'waiting' }))
  } catch (thrown) {
    return endDeployment(deps, work, deployment, 'failed', usersFault(thrown, 'image_missing'))
  }
}

export async function gateStep(deps: DeployDeps, work: DeployWork, deployment: Deployment): Promise<StepResult> {
  const { run, lease } = work
  work.cancel.throwIfAborted()
  const newer = await newerHead(deps, work)
  if (newer !== null) return endDeployment(deps, work, deployment, 'superseded', newer)
  const release = await releaseOf(deps, deployment)
  const service = (await deps.services.get(work.service.id)) ?? work.service
  const reasons = await reasonsToWait(deps, { ...work, service }, deployment, release)
  if (reasons.length > 0) return hold(deps, work, deployment, reasons)

  const desired = deploymentReport(
    service,
    release.sha,
    'in_progress',
    `rolling out release ${release.number}`,
    deps.detailsUrl(run.id),
  )
  const previous = service.liveReleaseId === release.id ? null : service.liveReleaseId
  const change = {
    state: 'rolling',
    direction: 'forward',
    previousReleaseId: previous,
    pausesLimit: false,
    reports: [{ runId: run.id, desired }],
  } as const
  return next(await deps.deployments.change(lease, run.id, change))
}

async function reasonsToWait(
  deps: DeployDeps,
  { plan, service }: DeployWork,
  deployment: Deployment,
  release: Release,
): Promise<readonly GateReason[]> {
  const policy = await deps.policyOf(service.repositoryId)
  const approvedBy = await deps.approvals.approvedBy(service.repositoryId, release.image, service.environment)
  if (approvedBy !== null) await deps.releases.markApproved(release.id, approvedBy)
  // A person goes back to what was live and approved before: neither a freeze nor an approval may stand in the way.
  const isWayBack = plan.target.kind === 'release'
  const answer = gate({
    now: new Date(deps.clock.now()),
    confirm: deps.confirm(),
    lock: isWayBack ? null : service.lock,
    freeze: isWayBack ? [] : (policy?.freeze ?? []),
    freezeOverride: deployment.freezeOverride,
    needsApproval: policy?.requireApproval.includes(service.environment) ?? false,
    approvedBy: isWayBack ? (plan.askedBy ?? 'slipway') : approvedBy,
  })
  return answer.kind === 'open' ? [] : answer.reasons
}

/** Says why it waits, once, and gives its place to others meanwhile. */
async function hold(
  deps: DeployDeps,
  work: DeployWork,
  deployment: Deployment,
  reasons: readonly GateReason[],
): Promise<StepResult> {
  const { run, lease } = work
  const report = deps.words.waiting(await factsOf(deps, work, deployment), reasons)
  const waitsFor = JSON.stringify(reasons)
  const told = (await deps.runs.get(run.id))?.result
  const isTold = typeof told === 'object' && told !== null && 'waitsFor' in told && told.waitsFor === waitsFor
  if (!isTold) {
    await deps.deployments.change(lease, run.id, { state: 'waiting', pausesLimit: true })
    await deps.runs.progress(lease, run.id, { report, result: { waitsFor }, story: report.output.title })
  }
  return { kind: 'wait', delayMs: GATE_POLL_MS, cause: report.output.title }
}

function next(deployment: Deployment): StepResult {
  return { kind: 'next', deployment }
}
