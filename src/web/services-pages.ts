/** The pages of services and the orders that their buttons give. */
import type { Hono } from 'hono'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Run } from '../core/run.ts'
import {
  approveDeployment,
  lockService,
  passFreeze,
  requestDriftFix,
  requestRollback,
  unlockService,
  type ControlDeps,
  type Service,
} from '../deployment/index.ts'
import { createPageRouter, type Guard } from './guard.ts'
import { sessionOf, type Session, type WebEnv } from './session.ts'
import { ServicesPage, servicesMarkdown, type ServiceView } from './services.tsx'

const HISTORY = 20

export interface ServicesPagesDeps extends ControlDeps {
  readonly guard: Guard
  readonly logger: Logger
  /** Null when it is gone, or the visitor may not see it. */
  readonly repositoryFor: (
    session: Session,
    repositoryId: number,
  ) => Promise<{ readonly name: string; readonly canWrite: boolean } | null>
  readonly deployHead: (service: Service, by: string) => Promise<Run>
  readonly audit: (entry: {
    readonly actor: string
    readonly action: string
    readonly subject: string
    readonly detail?: Readonly<Record<string, unknown>>
  }) => Promise<void>
}

export function createServicesPages(deps: ServicesPagesDeps): Hono<WebEnv> {
  const router = createPageRouter(deps.logger)
  router.get('/services', deps.guard.signedIn, async (context) => {
    const session = sessionOf(context)
    return context.html(ServicesPage({ views: await viewsFor(deps, session), session }))
  })
  router.get('/services.md', deps.guard.signedIn, async (context) =>
    context.body(servicesMarkdown(await viewsFor(deps, sessionOf(context))), 200, {
      'content-type': 'text/markdown; charset=utf-8',
    }),
  )
  router.post('/services/:id/:verb', deps.guard.signedIn, async (context) => {
    const session = sessionOf(context)
    const service = await deps.services.get(context.req.param('id'))
    const repository = service === null ? null : await deps.repositoryFor(session, service.repositoryId)
    if (service === null || repository === null) throw new SlipwayError('not_found', 'there is no such service')
    if (!repository.canWrite)
      throw new SlipwayError('not_allowed', `you have no write permission on ${repository.name}`)
    const fields = await context.req.parseBody()
    const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name].trim() : '')
    const verb = context.req.param('verb')
    const run = await obey(deps, service, verb, text, session.actor)
    await deps.audit({
      actor: session.actor,
      action: `service.${verb.replaceAll('-', '_')}`,
      subject: `service:${service.id}/${service.key}`,
      detail: { run: run?.id ?? null, reason: text('reason') },
    })
    return context.redirect(run === null ? `/services#${service.id}` : `/runs/${run.id}`, 303)
  })
  return router
}

/** The run that began, null when none did. */
async function obey(
  deps: ServicesPagesDeps,
  service: Service,
  verb: string,
  text: (name: string) => string,
  by: string,
): Promise<Run | null> {
  switch (verb) {
    case 'deploy':
      return deps.deployHead(service, by)
    case 'rollback':
      return requestRollback(deps, service, { to: text('to') || null, by, force: false })
    case 'drift-fix':
      return requestDriftFix(deps, service, by)
    case 'lock':
      await lockService(deps, service, { by, reason: required(text('reason')), until: null })
      return null
    case 'unlock':
      await unlockService(deps, service)
      return null
    case 'approve':
      await approveDeployment(deps, await waitingRun(deps, service), by, true)
      return null
    case 'pass-freeze':
      await passFreeze(deps, await waitingRun(deps, service), by, required(text('reason')))
      return null
    default:
      throw new SlipwayError('not_found', 'there is no such order')
  }
}

function required(reason: string): string {
  if (reason === '' || reason.length > 500)
    throw new SlipwayError('request_invalid', 'reason: say why, in at most 500 characters', { field: 'reason' })
  return reason
}

async function waitingRun(deps: ServicesPagesDeps, service: Service): Promise<Run> {
  const waiting = (await deps.deployments.list(service.id, HISTORY)).find(
    (deployment) => deployment.state === 'waiting',
  )
  const run = waiting === undefined ? null : await deps.runs.get(waiting.runId)
  if (run === null) throw new SlipwayError('conflict', 'no deployment of it waits for anybody')
  return run
}

async function viewsFor(deps: ServicesPagesDeps, session: Session): Promise<readonly ServiceView[]> {
  const views = await Promise.all((await deps.services.list()).map((service) => viewOf(deps, session, service)))
  return views.filter((view) => view !== null)
}

async function viewOf(deps: ServicesPagesDeps, session: Session, service: Service): Promise<ServiceView | null> {
  const repository = await deps.repositoryFor(session, service.repositoryId)
  if (repository === null) return null
  const [releases, [newest]] = await Promise.all([
    deps.releases.list(service.id, HISTORY),
    deps.deployments.list(service.id, 1),
  ])
  const live = service.liveReleaseId === null ? null : await deps.releases.get(service.liveReleaseId)
  return { service, repository: repository.name, live, newest: newest ?? null, releases, isOurs: repository.canWrite }
}
