/** What is deployed, and what people ask of it: `/api/v1/services`. Reading needs any token; everything else an admin's. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { Run } from '../core/run.ts'
import {
  approveDeployment,
  checkDrift,
  lockService,
  passFreeze,
  previewRollback,
  requestDriftFix,
  requestRollback,
  unlockService,
  type ControlDeps,
  type Service,
  type UpkeepDeps,
} from '../deployment/index.ts'
import { createApiRouter, limitBody, requireJson, type ApiEnv } from './api-router.ts'
import type { Authenticate } from './authenticate.ts'
import { FAILURES, jsonAnswer, jsonBody, SECURITY } from './pool-route.ts'
import { requireRight, requireScope } from './require-scope.ts'
import { presentRelease, presentService } from './services-present.ts'
import {
  DeployBody,
  FreezeBody,
  LockBody,
  PreviewAnswer,
  ReleaseAnswer,
  RollbackBody,
  RunAnswer,
  ServiceAnswer,
  ServicePath,
} from './services-schemas.ts'

const ROOT = '/api/v1/services'
const ONE = `${ROOT}/{owner}/{repository}/{service}`
const base = { tags: ['services'], security: SECURITY }
const HISTORY = 50

export interface ServicesApiDeps extends ControlDeps, UpkeepDeps {
  readonly authenticate: Authenticate
  readonly findRepository: (owner: string, name: string) => Promise<RepositoryRef | null>
  readonly repositoryOf: (id: number) => Promise<Pick<RepositoryRef, 'owner' | 'name'> | null>
  /** Deploys the head of the live branch, or the kept release of the commit. Throws `conflict` for an older commit without one. */
  readonly deployNow: (
    repository: RepositoryRef,
    service: { readonly key: string; readonly pullRequest: number | null },
    sha: string | null,
    by: string,
  ) => Promise<Run>
  readonly detailsUrl: (runId: string) => string
  readonly audit: (entry: {
    readonly actor: string
    readonly action: string
    readonly subject: string
    readonly detail?: Readonly<Record<string, unknown>>
  }) => Promise<void>
}

export function createServicesApiRoutes(deps: ServicesApiDeps): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  for (const path of [ROOT, `${ROOT}/*`])
    router.use(path, requireScope(deps.authenticate, 'read'), limitBody, requireJson)
  addViews(router, deps)
  addOrders(router, deps)
  return router
}

function addViews(router: OpenAPIHono<ApiEnv>, deps: ServicesApiDeps): void {
  const list = createRoute({
    ...base,
    method: 'get',
    path: ROOT,
    summary: 'List everything that is deployed',
    responses: { ...FAILURES, 200: jsonAnswer('by repository', z.object({ services: z.array(ServiceAnswer) })) },
  })
  router.openapi(list, async (context) => {
    const services = await Promise.all((await deps.services.list()).map((service) => present(deps, service)))
    return context.json({ services }, 200)
  })

  const look = createRoute({
    ...base,
    method: 'get',
    path: ONE,
    summary: 'Look at a service',
    request: { params: ServicePath },
    responses: { ...FAILURES, 200: jsonAnswer('the service', ServiceAnswer) },
  })
  router.openapi(look, async (context) =>
    context.json(await present(deps, await find(deps, context.req.valid('param'))), 200),
  )

  const releases = createRoute({
    ...base,
    method: 'get',
    path: `${ONE}/releases`,
    summary: 'List its releases, the newest first',
    request: { params: ServicePath },
    responses: { ...FAILURES, 200: jsonAnswer('the history', z.object({ releases: z.array(ReleaseAnswer) })) },
  })
  router.openapi(releases, async (context) => {
    const service = await find(deps, context.req.valid('param'))
    return context.json({ releases: (await deps.releases.list(service.id, HISTORY)).map(presentRelease) }, 200)
  })

  const preview = createRoute({
    ...base,
    method: 'get',
    path: `${ONE}/rollback`,
    summary: 'What a rollback would bring back',
    request: { params: ServicePath, query: z.object({ to: z.string().optional() }) },
    responses: { ...FAILURES, 200: jsonAnswer('nothing is changed', PreviewAnswer) },
  })
  router.openapi(preview, async (context) => {
    const service = await find(deps, context.req.valid('param'))
    const { from, to, changedEnv, changedSecrets } = await previewRollback(
      deps,
      service,
      context.req.valid('query').to ?? null,
    )
    const answer = {
      from: from === null ? null : presentRelease(from),
      to: presentRelease(to),
      changed_env: [...changedEnv],
      changed_secrets: [...changedSecrets],
    }
    return context.json(answer, 200)
  })

  const drift = createRoute({
    ...base,
    method: 'get',
    path: `${ONE}/drift`,
    summary: 'Ask the host whether it runs what was released',
    request: { params: ServicePath },
    responses: { ...FAILURES, 200: jsonAnswer('what was found', z.object({ drift: z.string().nullable() })) },
  })
  router.openapi(drift, async (context) => {
    const found = await checkDrift(deps, await find(deps, context.req.valid('param')))
    return context.json({ drift: found?.found ?? null }, 200)
  })
}

function addOrders(router: OpenAPIHono<ApiEnv>, deps: ServicesApiDeps): void {
  const order = <Schema extends z.ZodType>(verb: string, summary: string, body: Schema) =>
    createRoute({
      ...base,
      method: 'post',
      path: `${ONE}/${verb}`,
      summary,
      request: { params: ServicePath, body: { ...jsonBody(body), required: false } },
      responses: { ...FAILURES, 202: jsonAnswer('begun; the run tells how it goes', RunAnswer) },
    })
  const started = (run: Run) => ({ run_id: run.id, url: deps.detailsUrl(run.id) })
  const told = (service: Service, actor: string, action: string, detail: Readonly<Record<string, unknown>>) =>
    deps.audit({ actor, action: `service.${action}`, subject: `service:${service.id}/${service.key}`, detail })

  router.openapi(order('deploy', 'Deploy the head of its branch', DeployBody), async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const path = context.req.valid('param')
    const { sha } = context.req.valid('json')
    const repository = await findRepository(deps, path)
    const run = await deps.deployNow(repository, nameOf(path.service), sha ?? null, identity.actor)
    await deps.audit({
      actor: identity.actor,
      action: 'service.deploy',
      subject: `service:${path.owner}/${path.repository}/${path.service}`,
      detail: { run: run.id, sha: run.sha },
    })
    return context.json(started(run), 202)
  })

  router.openapi(order('rollback', 'Go back to an earlier release, without a build', RollbackBody), async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const service = await find(deps, context.req.valid('param'))
    const { to, force } = context.req.valid('json')
    const run = await requestRollback(deps, service, {
      to: to === undefined ? null : String(to),
      by: identity.actor,
      force,
    })
    await told(service, identity.actor, 'rollback', { run: run.id, to: run.sha, force })
    return context.json(started(run), 202)
  })

  router.openapi(order('drift/fix', 'Put the live release in place again', z.strictObject({})), async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const service = await find(deps, context.req.valid('param'))
    const run = await requestDriftFix(deps, service, identity.actor)
    await told(service, identity.actor, 'drift_fix', { run: run.id })
    return context.json(started(run), 202)
  })

  router.openapi(order('approve', 'Let exactly the image that waits go live', z.strictObject({})), async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const service = await find(deps, context.req.valid('param'))
    const run = await waitingRun(deps, service)
    await approveDeployment(deps, run, identity.actor, true)
    await told(service, identity.actor, 'approve', { run: run.id })
    return context.json(started(run), 202)
  })

  router.openapi(order('pass-freeze', 'Let the deployment that waits pass a freeze', FreezeBody), async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const service = await find(deps, context.req.valid('param'))
    const run = await waitingRun(deps, service)
    const { reason } = context.req.valid('json')
    await passFreeze(deps, run, identity.actor, reason)
    await told(service, identity.actor, 'pass_freeze', { run: run.id, reason })
    return context.json(started(run), 202)
  })

  const lock = createRoute({
    ...base,
    method: 'post',
    path: `${ONE}/lock`,
    summary: 'Keep everybody from deploying it',
    request: { params: ServicePath, body: jsonBody(LockBody) },
    responses: { ...FAILURES, 200: jsonAnswer('locked', ServiceAnswer) },
  })
  router.openapi(lock, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const { reason, until } = context.req.valid('json')
    const service = await lockService(deps, await find(deps, context.req.valid('param')), {
      by: identity.actor,
      reason,
      until: until === undefined ? null : new Date(until),
    })
    await told(service, identity.actor, 'lock', { reason, until: until ?? null })
    return context.json(await present(deps, service), 200)
  })

  const unlock = createRoute({
    ...base,
    method: 'post',
    path: `${ONE}/unlock`,
    summary: 'Let what waits go on',
    request: { params: ServicePath },
    responses: { ...FAILURES, 200: jsonAnswer('unlocked', ServiceAnswer) },
  })
  router.openapi(unlock, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const service = await unlockService(deps, await find(deps, context.req.valid('param')))
    await told(service, identity.actor, 'unlock', {})
    return context.json(await present(deps, service), 200)
  })
}

type Path = z.output<typeof ServicePath>

async function findRepository(deps: ServicesApiDeps, { owner, repository }: Path): Promise<RepositoryRef> {
  const found = await deps.findRepository(owner, repository)
  if (found === null)
    throw new SlipwayError('not_found', `repository: there is no ${owner}/${repository} here`, { field: 'repository' })
  return found
}

async function find(deps: ServicesApiDeps, path: Path): Promise<Service> {
  const repository = await findRepository(deps, path)
  const { key, pullRequest } = nameOf(path.service)
  const service = await deps.services.find(repository.id, key, pullRequest)
  if (service === null || service.removedAt !== null) {
    throw new SlipwayError(
      'not_found',
      `service: ${path.owner}/${path.repository} has no service ${path.service} here`,
      { field: 'service' },
    )
  }
  return service
}

/** `www`, or `www~pr-7` for the copy of pull request 7. */
function nameOf(service: string): { readonly key: string; readonly pullRequest: number | null } {
  const [, key, number] = /^(.+)~pr-(\d{1,9})$/.exec(service) ?? []
  return key === undefined ? { key: service, pullRequest: null } : { key, pullRequest: Number(number) }
}

async function waitingRun(deps: ServicesApiDeps, service: Service): Promise<Run> {
  const waiting = (await deps.deployments.list(service.id, HISTORY)).find(
    (deployment) => deployment.state === 'waiting',
  )
  const run = waiting === undefined ? null : await deps.runs.get(waiting.runId)
  if (run === null) throw new SlipwayError('conflict', `no deployment of ${service.key} waits for anybody`)
  return run
}

async function present(deps: ServicesApiDeps, service: Service): Promise<z.output<typeof ServiceAnswer>> {
  const [repository, live, newest] = await Promise.all([
    deps.repositoryOf(service.repositoryId),
    service.liveReleaseId === null ? null : deps.releases.get(service.liveReleaseId),
    deps.deployments.list(service.id, 1),
  ])
  return presentService(
    service,
    repository === null ? String(service.repositoryId) : `${repository.owner}/${repository.name}`,
    live,
    newest[0] ?? null,
  )
}
