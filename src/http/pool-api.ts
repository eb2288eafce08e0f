/** The native pool API under `/api/v1/pools`. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { SlipwayError } from '../core/errors.ts'
import { DEFAULT_POOL, type Pool, type PoolSettings, type ReserveDeps, type TokenCipher } from '../pool/index.ts'
import { createApiRouter, limitBody, requireJson, type ApiEnv } from './api-router.ts'
import { mayUsePool, type Authenticate } from './authenticate.ts'
import { addInstanceRoutes } from './pool-instances-api.ts'
import { paceOf, presentEvent, presentPool, presentQueue } from './pool-present.ts'
import { addReservationRoutes } from './pool-reservations-api.ts'
import { FAILURES, jsonAnswer, jsonBody, requirePool, SECURITY, TAGS } from './pool-route.ts'
import {
  EventAnswer,
  HistoryQuery,
  NewPoolBody,
  PoolAnswer,
  PoolPath,
  PoolSettingsBody,
  QueueEntryAnswer,
} from './pool-schemas.ts'
import { requireRight, requireScope } from './require-scope.ts'

const ROOT = '/api/v1/pools'
const ONE = `${ROOT}/{pool}`
const base = { tags: TAGS, security: SECURITY }

/** A pool's settings where nobody said otherwise. */
const DEFAULTS: PoolSettings = {
  timeoutMs: 45 * 60_000,
  maxTimeoutMs: 4 * 3_600_000,
  cleaning: null,
  health: null,
  selection: 'lowest',
  quarantineAfter: 3,
  maxHeldPerRepository: null,
  maxWaitingPerRepository: null,
}

export interface PoolApiDeps extends ReserveDeps {
  readonly authenticate: Authenticate
  readonly cipher: TokenCipher
}

export function createPoolApiRoutes(deps: PoolApiDeps): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  for (const path of [ROOT, `${ROOT}/*`])
    router.use(path, requireScope(deps.authenticate, 'read'), limitBody, requireJson)
  addPoolRoutes(router, deps)
  addInstanceRoutes(router, deps)
  addReservationRoutes(router, deps)
  return router
}

function addPoolRoutes(router: OpenAPIHono<ApiEnv>, deps: PoolApiDeps): void {
  const list = createRoute({
    ...base,
    method: 'get',
    path: ROOT,
    summary: 'List the pools',
    responses: { ...FAILURES, 200: jsonAnswer('the default pool first', z.object({ pools: z.array(PoolAnswer) })) },
  })
  router.openapi(list, async (context) => {
    const overviews = await deps.store.overviews()
    const visible = overviews.filter(({ pool }) => mayUsePool(context.get('identity'), pool.name))
    return context.json({ pools: visible.map(presentPool) }, 200)
  })

  const create = createRoute({
    ...base,
    method: 'post',
    path: ROOT,
    summary: 'Make a pool',
    request: { body: jsonBody(NewPoolBody) },
    responses: { ...FAILURES, 201: jsonAnswer('made', PoolAnswer) },
  })
  router.openapi(create, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const { name, ...body } = context.req.valid('json')
    const made = await deps.store.createPool(name, settingsOf(body, DEFAULTS), 'api', identity.actor)
    if (!made) throw new SlipwayError('conflict', 'name: already taken', { field: 'name' })
    return context.json(await presented(deps, name), 201)
  })

  const read = createRoute({
    ...base,
    method: 'get',
    path: ONE,
    summary: 'Look at a pool',
    request: { params: PoolPath },
    responses: { ...FAILURES, 200: jsonAnswer('the pool', PoolAnswer) },
  })
  router.openapi(read, async (context) => {
    const pool = await requirePool(deps.store, context.req.valid('param').pool, context.get('identity'))
    return context.json(await presented(deps, pool.name), 200)
  })

  const edit = createRoute({
    ...base,
    method: 'patch',
    path: ONE,
    summary: 'Change a pool',
    request: { params: PoolPath, body: jsonBody(PoolSettingsBody) },
    responses: { ...FAILURES, 200: jsonAnswer('changed', PoolAnswer) },
  })
  router.openapi(edit, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const pool = await requirePool(deps.store, context.req.valid('param').pool, identity)
    refuseFiled(pool)
    await deps.store.editPool(pool, settingsOf(context.req.valid('json'), pool), pool.source, identity.actor)
    return context.json(await presented(deps, pool.name), 200)
  })

  const close = createRoute({
    ...base,
    method: 'delete',
    path: ONE,
    summary: 'Close a pool; held instances leave when their holders do',
    request: { params: PoolPath },
    responses: { ...FAILURES, 204: { description: 'closed' } },
  })
  router.openapi(close, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const pool = await requirePool(deps.store, context.req.valid('param').pool, identity)
    refuseFiled(pool)
    if (pool.name === DEFAULT_POOL)
      throw new SlipwayError('conflict', 'the default pool stays: /api/instances needs it')
    await deps.store.closePool(pool, identity.actor)
    return context.body(null, 204)
  })

  const queue = createRoute({
    ...base,
    method: 'get',
    path: `${ONE}/queue`,
    summary: 'The line, with places and estimated waits',
    request: { params: PoolPath },
    responses: { ...FAILURES, 200: jsonAnswer('next first', z.object({ queue: z.array(QueueEntryAnswer) })) },
  })
  router.openapi(queue, async (context) => {
    const pool = await requirePool(deps.store, context.req.valid('param').pool, context.get('identity'))
    const entries = await deps.store.queue(pool.name)
    return context.json({ queue: presentQueue(entries, await paceOf(deps.store, pool)) }, 200)
  })

  const history = createRoute({
    ...base,
    method: 'get',
    path: `${ONE}/history`,
    summary: 'What happened in a pool, newest first',
    request: { params: PoolPath, query: HistoryQuery },
    responses: { ...FAILURES, 200: jsonAnswer('a page', z.object({ events: z.array(EventAnswer) })) },
  })
  router.openapi(history, async (context) => {
    const pool = await requirePool(deps.store, context.req.valid('param').pool, context.get('identity'))
    const { limit, before } = context.req.valid('query')
    const events = await deps.store.events(pool.name, null, limit, before ?? null)
    return context.json({ events: events.map(presentEvent) }, 200)
  })
}

async function presented(deps: PoolApiDeps, name: string): Promise<z.infer<typeof PoolAnswer>> {
  const overview = (await deps.store.overviews()).find(({ pool }) => pool.name === name)
  if (overview === undefined) throw new SlipwayError('not_found', `pool: there is no pool ${name}`, { field: 'pool' })
  return presentPool(overview)
}

function settingsOf(body: z.infer<typeof PoolSettingsBody>, former: PoolSettings): PoolSettings {
  const settings: PoolSettings = {
    timeoutMs: body.timeout ?? former.timeoutMs,
    maxTimeoutMs: body.max_timeout ?? former.maxTimeoutMs,
    cleaning: body.cleaning === undefined ? former.cleaning : body.cleaning && cleaningOf(body.cleaning),
    health:
      body.health === undefined
        ? former.health
        : body.health && { path: body.health.path, timeoutMs: body.health.timeout },
    selection: body.selection ?? former.selection,
    quarantineAfter: body.quarantine_after ?? former.quarantineAfter,
    maxHeldPerRepository:
      body.max_held_per_repository === undefined ? former.maxHeldPerRepository : body.max_held_per_repository,
    maxWaitingPerRepository:
      body.max_waiting_per_repository === undefined ? former.maxWaitingPerRepository : body.max_waiting_per_repository,
  }
  if (settings.timeoutMs <= settings.maxTimeoutMs) return settings
  throw new SlipwayError('request_invalid', 'timeout: must not be longer than max_timeout', { field: 'timeout' })
}

function cleaningOf(cleaning: NonNullable<z.infer<typeof PoolSettingsBody>['cleaning']>): PoolSettings['cleaning'] {
  const { timeout: timeoutMs } = cleaning
  return 'url' in cleaning
    ? { kind: 'http', url: cleaning.url, timeoutMs }
    : { kind: 'container', image: cleaning.image, commands: cleaning.commands, timeoutMs }
}

function refuseFiled(pool: Pool): void {
  if (pool.source === 'file') {
    throw new SlipwayError('conflict', 'the pool is decided by server.yml', {
      remedy: 'change the file and run: slipway apply',
    })
  }
}
