/** Deployments as a feature of the process. */
import { z } from 'zod'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { Run } from '../core/run.ts'
import {
  approveDeployment,
  checkDrift,
  DEPLOYMENT_JOB,
  deploymentJob,
  deploymentPlanOf,
  isDeploymentPlan,
  isFinal,
  KEPT_RELEASES,
  performDeployment,
  pruneImages,
  refreshDue,
  removeEndedPreview,
  requestRollback,
  type Service,
} from '../deployment/index.ts'
import type { OwnedObject } from '../docker/sweep.ts'
import { PROXY_OWNER } from '../docker/services/proxy-engine.ts'
import { servicePlanner } from '../flow/plan-services.ts'
import { deploymentSender } from '../github/send-deployments.ts'
import { createServicesApiRoutes } from '../http/deployments-api.ts'
import { createNotifier, NOTIFY_CHORE_MS } from '../mail/notify.ts'
import { DONE, type JobHandler } from '../queue/ports.ts'
import { deploymentQueued } from '../report/deployment-words.ts'
import { slipwayFailedCheck } from '../report/run-words.ts'
import { writeAudit } from '../store/audit.ts'
import { createDeploymentReportStore } from '../store/deployment-reports.ts'
import { createMessageStore, NOTIFY_JOB } from '../store/outbox.ts'
import { createWriteBudgetStore } from '../store/write-budget.ts'
import { createServicesPages } from '../web/services-pages.ts'
import type { Session } from '../web/session.ts'
import { deployNow } from './deploy-now.ts'
import { createDeploymentParts, type DeploymentParts } from './deployment-parts.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'
import type { Later } from './features.ts'
import type { ImageParts } from './images.ts'
import { createWebGuard } from './web-guard.ts'

const UPKEEP_EVERY_MS = 10_000
const PREVIEWS_EVERY_MS = 60_000
/** Often enough that a proxy that somebody removed is back before people write mails about it. */
const PROXIES_EVERY_MS = 30_000
const DRIFT_EVERY_MS = 5 * 60_000
const REFRESH_EVERY_MS = 60_000
const RETENTION_EVERY_MS = 3_600_000
const REMOVE_PREVIEW_JOB = 'preview.remove'

export function createDeploymentFeature(
  base: Foundation,
  images: ImageParts,
  later: Later,
): { readonly feature: Feature; readonly parts: DeploymentParts } {
  const parts = createDeploymentParts(base, images)
  const notifier = createNotifier({
    store: createMessageStore(base.db),
    slackUrl: base.settings.slackWebhookUrl,
    webhooks: [],
    detailsUrl: base.detailsUrl,
    logger: base.logger,
  })
  const lastLooks = new Map<string, number>()
  const repeat = (name: string, everyMs: number, run: () => Promise<void>) => ({ name, everyMs, run })
  return {
    parts,
    feature: {
      planners: [servicePlanner(parts)],
      handlers: { [DEPLOYMENT_JOB]: deploymentHandler(base, parts), [REMOVE_PREVIEW_JOB]: previewHandler(parts) },
      choreHandlers: { [NOTIFY_JOB]: { handle: () => notifier.sendAll() } },
      runKinds: {
        deployment: {
          queuedCheck: (run) => deploymentQueued(run.name.replace(/^deploy\//, '')),
          withoutCache: (run) => run.plan,
          jobOf: (run) => (isDeploymentPlan(run.plan) ? deploymentJob(deploymentPlanOf(run).service) : null),
        },
      },
      onButton: (run, button, actor) => onButton(parts, run, button, actor),
      hooks: { pullRequestClosed: () => removePreviews(base, parts) },
      routes: [
        createServicesApiRoutes({
          ...parts,
          authenticate: base.authenticate,
          findRepository: (owner, name) => base.repositories.findByName(owner, name),
          repositoryOf: (id) => base.repositories.get(id),
          deployNow: (repository, service, sha, by) => deployNow(parts, later.flow(), repository, service, sha, by),
          audit: (entry) => writeAudit(base.db, entry),
        }),
        createServicesPages({
          ...parts,
          guard: createWebGuard(base).guard,
          logger: base.logger,
          repositoryFor: (session, repositoryId) => repositoryFor(base, session, repositoryId),
          deployHead: (service, by) => deployHead(base, parts, later, service, by),
          audit: (entry) => writeAudit(base.db, entry),
        }),
      ],
      keepOnHosts: () => keeper(base, parts),
      sendOther: deploymentSender({
        github: base.github,
        reports: createDeploymentReportStore(base.db),
        budget: createWriteBudgetStore(base.db),
        clock: base.clock,
        random: base.random,
        logger: base.logger,
      }),
      chores: [
        repeat('deployments upkeep', UPKEEP_EVERY_MS, async () => {
          await parts.upkeep.closeEnded()
          await parts.upkeep.resumeAbandoned(DEPLOYMENT_JOB)
        }),
        repeat('previews', PREVIEWS_EVERY_MS, () => removePreviews(base, parts)),
        repeat('proxies', PROXIES_EVERY_MS, () => keepProxies(base, parts)),
        repeat('drift', DRIFT_EVERY_MS, async () => {
          for (const service of await parts.services.list()) await checkDrift(parts, service)
        }),
        repeat('image refresh', REFRESH_EVERY_MS, () => refreshImages(base, parts, lastLooks)),
        repeat('release retention', RETENTION_EVERY_MS, () => pruneImages(parts)),
        repeat('notifications', NOTIFY_CHORE_MS, async () => {
          await notifier.sendAll()
        }),
      ],
    },
  }
}

/** What a visitor of the pages may see and do follows their rights on GitHub; admins may do everything. */
async function repositoryFor(base: Foundation, session: Session, repositoryId: number) {
  const repository = await base.repositories.get(repositoryId)
  if (repository === null) return null
  const name = `${repository.owner}/${repository.name}`
  if (session.isAdmin) return { name, canWrite: true }
  if (session.login === null) return null
  const canWrite = await base.reader.canWrite(repository, session.login)
  return canWrite || (await base.reader.canRead(repository, session.login)) ? { name, canWrite } : null
}

async function deployHead(
  base: Foundation,
  parts: DeploymentParts,
  later: Later,
  service: Service,
  by: string,
): Promise<Run> {
  const repository = await base.repositories.get(service.repositoryId)
  if (repository === null) throw new SlipwayError('not_found', 'the repository is gone')
  return deployNow(parts, later.flow(), repository, service, null, by)
}

const payloadOfRunJob = z.object({ runId: z.string() })

function deploymentHandler(base: Foundation, parts: DeploymentParts): JobHandler {
  return {
    async handle(job, signal) {
      const run = await base.runs.get(payloadOfRunJob.parse(job.payload).runId)
      if (run === null || !isDeploymentPlan(run.plan)) return DONE
      return performDeployment(parts, { run, lease: job.lease, signal })
    },
    async onParked(payload, cause) {
      const { runId } = payloadOfRunJob.parse(payload)
      await base.runs.completeForced(runId, {
        conclusion: 'failure',
        reason: 'infra',
        result: null,
        report: slipwayFailedCheck(cause, base.detailsUrl(runId)),
        story: `Given up: ${cause}`,
      })
    },
  }
}

const payloadOfPreviewJob = z.object({ serviceId: z.string() })

function previewHandler(parts: DeploymentParts): JobHandler {
  return {
    async handle(job, signal) {
      const service = await parts.services.get(payloadOfPreviewJob.parse(job.payload).serviceId)
      if (service === null || service.removedAt !== null) return DONE
      await removeEndedPreview(parts, service, { lease: job.lease, signal, note: () => undefined })
      return DONE
    },
  }
}

async function removePreviews(base: Foundation, parts: DeploymentParts): Promise<void> {
  const ended = await parts.services.endedPreviews()
  await base.jobs.enqueue(
    ended.map((service) => ({
      ...deploymentJob(service),
      kind: REMOVE_PREVIEW_JOB,
      key: `preview:${service.id}`,
      payload: { serviceId: service.id },
      repositoryId: service.repositoryId,
    })),
  )
}

/** Makes a proxy that is gone again, and puts right what somebody changed in one that runs. */
async function keepProxies(base: Foundation, parts: DeploymentParts): Promise<void> {
  for (const host of await parts.routes.hostsWithRoutes()) {
    try {
      await parts.routes.exclusively(host, (table) => parts.proxyOf(host).apply(table))
    } catch (error) {
      base.logger.warn({ host, err: errorMessage(error) }, 'the proxy of a host could not be brought up to date')
    }
  }
}

async function onButton(parts: DeploymentParts, run: Run, button: string, actor: string): Promise<boolean> {
  if (run.kind !== 'deployment' || !isDeploymentPlan(run.plan)) return false
  if (button === 'approve') {
    await approveDeployment(parts, run, actor, true)
    return true
  }
  if (button !== 'rollback') return false
  const deployment = await parts.deployments.get(run.id)
  const service = deployment === null ? null : await parts.services.get(deployment.serviceId)
  if (deployment === null || service === null) return true
  if (deployment.releaseId !== service.liveReleaseId) {
    await parts.runs.note(run.id, 'refused', `${actor} pressed rollback, but another release is live by now`)
    return true
  }
  await requestRollback(parts, service, { to: null, by: actor, force: false })
  return true
}

async function refreshImages(base: Foundation, parts: DeploymentParts, lastLooks: Map<string, number>): Promise<void> {
  for (const service of await parts.services.list()) {
    const moved = await refreshDue(
      parts,
      service,
      lastLooks.get(service.id) ?? null,
      AbortSignal.timeout(RETENTION_EVERY_MS),
    ).catch((error: unknown) => {
      base.logger.warn(
        { service: service.name, err: errorMessage(error) },
        'an image from elsewhere could not be looked up',
      )
      return null
    })
    lastLooks.set(service.id, base.clock.now())
    if (moved === null) continue
    const before = await parts.runs.get(moved.runId)
    if (before === null) continue
    const { repositoryId, sha, name, kind, supersedeKey, plan, timeoutMs } = before
    await parts.runs.create([
      {
        repositoryId,
        sha,
        name,
        kind,
        supersedeKey,
        plan,
        timeoutMs,
        attempt: (await parts.runs.lastAttempt(repositoryId, sha, name)) + 1,
        source: { ...before.source, event: 'schedule', actor: null },
        groupId: base.newId(),
        report: deploymentQueued(service.key),
        story: `${moved.config.image.kind === 'ref' ? moved.config.image.ref : 'its image'} has changed`,
        job: deploymentJob(service),
      },
    ])
  }
}

/** What belongs to services that are there: live releases, everything of a deployment under way, the proxies, kept images. */
async function keeper(
  base: Foundation,
  parts: DeploymentParts,
): Promise<(host: string, object: OwnedObject) => boolean> {
  const services = await parts.services.list()
  const underWay = new Set<string>()
  for (const service of services) {
    const [newest] = await parts.deployments.list(service.id, 1)
    if (newest !== undefined && (!isFinal(newest.state) || newest.inStateMs < UPKEEP_EVERY_MS * 30))
      underWay.add(service.id)
  }
  const live = new Set(services.flatMap((service) => service.liveReleaseId ?? []))
  const proxied = new Set(await parts.routes.hostsWithRoutes())
  const images = new Map<string, ReadonlySet<string>>()
  for (const { name } of base.hosts.configs) images.set(name, await parts.releases.neededImages(name, KEPT_RELEASES))
  return (host, { kind, id, owner }) => {
    if (kind === 'image') return images.get(host)?.has(id) ?? false
    if (owner.service === PROXY_OWNER) return proxied.has(host)
    if (owner.service === undefined) return false
    return underWay.has(owner.service) || (owner.release !== undefined && live.has(owner.release))
  }
}
