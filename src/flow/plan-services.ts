/** The planner of deployments: the services of a live branch, and the copies of services that a pull request gets. */
import type { ServiceConfig } from '../config/repository-config.ts'
import type { HostConfig } from '../config/server-config.ts'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { NewRun, RunStore } from '../core/run-store.ts'
import {
  deploymentJob,
  deploymentLimitMs,
  deploymentName,
  planDeployments,
  previewConfig,
  refusalOf,
  touchesHost,
  type DeploymentPlan,
  type DeploymentStore,
  type Service,
  type ServiceStore,
} from '../deployment/index.ts'
import { deploymentQueued, deploymentRefused, refusalLine } from '../report/deployment-words.ts'
import { supersededBy } from '../report/run-words.ts'
import type { PlanContext, RunPlanner } from './commit.ts'
import { cancelRun } from './supersede.ts'

export interface ServicePlannerDeps {
  readonly runs: RunStore
  readonly services: ServiceStore
  readonly deployments: DeploymentStore
  readonly hosts: () => readonly HostConfig[]
}

/** Copies of pull requests at once in one repository: a busy repository must not fill a host. */
const MAX_PREVIEWS = 20
const LIMIT_WITHOUT_BUILD_MS = 0

/** @param askedBy the person who wants it now, null when it follows from an event; `only` names one service */
export function servicePlanner(deps: ServicePlannerDeps, asked: { readonly by: string; readonly only: string } | null = null): RunPlanner {
  return async (context) => {
    const wanted = await wantedServices(deps, context)
    const chosen = asked === null ? wanted : wanted.filter(({ config }) => config.key === asked.only)
    const planned: NewRun[] = []
    for (const { config, pullRequest } of chosen) planned.push(await plan(deps, context, config, pullRequest, asked?.by ?? null))
    return planned
  }
}

interface WantedService {
  readonly config: ServiceConfig
  readonly pullRequest: number | null
}

async function wantedServices(deps: ServicePlannerDeps, { source, config, policy, repository }: PlanContext): Promise<readonly WantedService[]> {
  const { branch, pullRequest } = source
  if (source.event === 'pull_request' && pullRequest !== null) {
    const previews = Object.values(config.services).flatMap((service) => {
      if (source.trust === 'fork' && service.preview?.forks !== true) return []
      const copy = previewConfig(service, pullRequest, branch ?? '')
      return copy === null ? [] : [{ config: copy, pullRequest }]
    })
    const open = new Set((await deps.services.list({ repositoryId: repository.id })).map((service) => service.pullRequest))
    return open.has(pullRequest) || open.size <= MAX_PREVIEWS ? previews : []
  }
  const isBranch = source.event === 'push' || source.event === 'manual' || source.event === 'reconcile' || source.event === 'schedule'
  if (!isBranch || source.trust === 'fork' || branch === null || source.tag !== null) return []
  return planDeployments(config, branch, { policy, hosts: deps.hosts() }).map(({ service }) => ({ config: service, pullRequest: null }))
}

async function plan(deps: ServicePlannerDeps, context: PlanContext, config: ServiceConfig, pullRequest: number | null, askedBy: string | null): Promise<NewRun> {
  const refusal = refusalOf(config, { policy: context.policy, hosts: deps.hosts() })
  // A service that may not be deployed does not even get its name on the host.
  if (refusal !== null) return refused(context, config, pullRequest, refusalLine(refusal))
  try {
    const service = await keep(deps, context, config, pullRequest)
    await supersedeWaiting(deps, service, context.sha)
    return await newRun(context, config, service, askedBy)
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== 'conflict') throw error
    return refused(context, config, pullRequest, errorMessage(error))
  }
}

function keep(deps: ServicePlannerDeps, context: PlanContext, config: ServiceConfig, pullRequest: number | null): Promise<Service> {
  const { branch, host, driver, name, environment, url, key } = config
  const expiresInMs = pullRequest === null ? null : (config.preview?.ttlMs ?? null)
  return deps.services.keep({ repositoryId: context.repository.id, key, pullRequest, branch, host, driver, name, environment, url, expiresInMs })
}

/** What has not touched the host yet gives way to the newer commit; what has is finished first. */
async function supersedeWaiting(deps: ServicePlannerDeps, service: Service, sha: string): Promise<void> {
  const open = await deps.runs.list({ repositoryId: service.repositoryId, supersedeKey: supersedeKeyOf(service), isOpen: true, limit: 100 })
  for (const run of open.filter((candidate) => candidate.sha !== sha)) {
    const deployment = await deps.deployments.get(run.id)
    if (deployment !== null && touchesHost(deployment.state)) continue
    await cancelRun(deps.runs, run, { reason: 'superseded', words: supersededBy(sha), by: 'slipway' })
  }
}

/** Of its own, so that the checks of a branch and its deployments never end each other. */
function supersedeKeyOf(service: Service): string {
  return `service:${service.id}`
}

async function newRun(context: PlanContext, config: ServiceConfig, service: Service, askedBy: string | null): Promise<NewRun> {
  const image = config.image.kind === 'built' ? (context.config.images[config.image.key] ?? null) : null
  const plan: DeploymentPlan = {
    serviceId: service.id,
    target: { kind: 'commit', config, image, treeSha: context.treeSha },
    askedBy,
    tellsSlack: context.config.notify.slack,
  }
  return {
    ...(await common(context, config, service.pullRequest)),
    supersedeKey: supersedeKeyOf(service),
    plan,
    timeoutMs: deploymentLimitMs(image?.timeoutMs ?? LIMIT_WITHOUT_BUILD_MS),
    report: deploymentQueued(config.key),
    story: askedBy === null ? `${config.branch} moved to ${context.sha.slice(0, 12)}` : `${askedBy} asked for it`,
    job: deploymentJob(service.id),
  }
}

async function refused(context: PlanContext, config: ServiceConfig, pullRequest: number | null, why: string): Promise<NewRun> {
  return {
    ...(await common(context, config, pullRequest)),
    supersedeKey: null,
    plan: {},
    timeoutMs: deploymentLimitMs(LIMIT_WITHOUT_BUILD_MS),
    report: deploymentRefused(config.key, why),
    reason: 'not_allowed',
    story: why,
    job: null,
  }
}

async function common(context: PlanContext, config: ServiceConfig, pullRequest: number | null) {
  const name = deploymentName(config.key, pullRequest)
  const { repository, sha, source, groupId } = context
  return { repositoryId: repository.id, sha, name, attempt: await context.attempt(name), kind: 'deployment' as const, source, groupId }
}
