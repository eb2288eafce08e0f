/** The planner of deployments: the services of a live branch, and the copies of services that a pull request gets. */
import type { ServiceConfig } from '../config/repository-config.ts'
import type { HostConfig } from '../config/server-config.ts'
import type { NewRun } from '../core/run-store.ts'
import {
  deploymentJob,
  deploymentLimitMs,
  deploymentName,
  planDeployments,
  previewConfig,
  refusalOf,
  type DeploymentPlan,
  type NewService,
  type ServiceStore,
} from '../deployment/index.ts'
import { deploymentQueued, deploymentRefused, refusalLine } from '../report/index.ts'
import type { PlanContext, RunPlanner } from './commit.ts'

export interface ServicePlannerDeps {
  readonly services: Pick<ServiceStore, 'list'>
  readonly hosts: () => readonly HostConfig[]
}

/** Copies of pull requests at once in one repository: a busy repository must not fill a host. */
const MAX_PREVIEWS = 20
const LIMIT_WITHOUT_BUILD_MS = 0

/** @param askedBy the person who wants it now, null when it follows from an event; `only` names one service */
export function servicePlanner(
  deps: ServicePlannerDeps,
  asked: { readonly by: string; readonly only: string } | null = null,
): RunPlanner {
  return async (context) => {
    const wanted = await wantedServices(deps, context)
    const chosen = asked === null ? wanted : wanted.filter(({ config }) => config.key === asked.only)
    const planned: NewRun[] = []
    for (const { config, pullRequest } of chosen)
      planned.push(await plan(deps, context, config, pullRequest, asked?.by ?? null))
    return planned
  }
}

interface WantedService {
  readonly config: ServiceConfig
  readonly pullRequest: number | null
}

async function wantedServices(
  deps: ServicePlannerDeps,
  { source, config, policy, repository }: PlanContext,
): Promise<readonly WantedService[]> {
  const { branch, pullRequest } = source
  if (source.event === 'pull_request' && pullRequest !== null) {
    const previews = Object.values(config.services).flatMap((service) => {
      if (source.trust === 'fork' && service.preview?.forks !== true) return []
      const copy = previewConfig(service, pullRequest, branch ?? '')
      return copy === null ? [] : [{ config: copy, pullRequest }]
    })
    const open = new Set(
      (await deps.services.list({ repositoryId: repository.id })).map((service) => service.pullRequest),
    )
    return open.has(pullRequest) || open.size <= MAX_PREVIEWS ? previews : []
  }
  const isBranch =
    source.event === 'push' || source.event === 'manual' || source.event === 'reconcile' || source.event === 'schedule'
  if (!isBranch || source.trust === 'fork' || branch === null || source.tag !== null) return []
  return planDeployments(config, branch, { policy, hosts: deps.hosts() }).map(({ service }) => ({
    config: service,
    pullRequest: null,
  }))
}

async function plan(
  deps: ServicePlannerDeps,
  context: PlanContext,
  config: ServiceConfig,
  pullRequest: number | null,
  askedBy: string | null,
): Promise<NewRun> {
  const refusal = refusalOf(config, { policy: context.policy, hosts: deps.hosts() })
  if (refusal !== null) return refused(context, config, pullRequest, refusalLine(refusal))
  const { branch, host, driver, name, environment, url, key } = config
  const expiresInMs = pullRequest === null ? null : (config.preview?.ttlMs ?? null)
  const service: NewService = {
    repositoryId: context.repository.id,
    key,
    pullRequest,
    branch,
    host,
    driver,
    name,
    environment,
    url,
    expiresInMs,
  }
  const image = config.image.kind === 'built' ? (context.config.images[config.image.key] ?? null) : null
  const plan: DeploymentPlan = {
    service,
    target: { kind: 'commit', config, image, treeSha: context.treeSha },
    askedBy,
    tellsSlack: context.config.notify.slack,
  }
  return {
    ...(await common(context, config, pullRequest)),
    // None: a deployment gives way to a newer commit by itself, but never in the middle of a roll-out.
    supersedeKey: null,
    plan,
    timeoutMs: deploymentLimitMs(image?.timeoutMs ?? LIMIT_WITHOUT_BUILD_MS),
    report: deploymentQueued(key),
    story: askedBy === null ? `${branch} moved to ${context.sha.slice(0, 12)}` : `${askedBy} asked for it`,
    job: deploymentJob(service),
  }
}

async function refused(
  context: PlanContext,
  config: ServiceConfig,
  pullRequest: number | null,
  why: string,
): Promise<NewRun> {
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
  return {
    repositoryId: repository.id,
    sha,
    name,
    attempt: await context.attempt(name),
    kind: 'deployment' as const,
    source,
    groupId,
  }
}
