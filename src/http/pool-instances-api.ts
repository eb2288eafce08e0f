/** Instances under `/api/v1/pools/{pool}/instances`. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { SlipwayError } from '../core/errors.ts'
import {
  ADMIN_CLIENT,
  labelProblem,
  parseDomain,
  stealInstance,
  textProblem,
  tokenContext,
  type Instance,
  type InstanceOrder,
} from '../pool/index.ts'
import type { ApiEnv } from './api-router.ts'
import type { PoolApiDeps } from './pool-api.ts'
import { presentEvent, presentInstance, presentReservation } from './pool-present.ts'
import { FAILURES, jsonAnswer, jsonBody, requireInstance, requirePool, SECURITY, TAGS } from './pool-route.ts'
import {
  EventAnswer,
  HistoryQuery,
  InstanceAnswer,
  InstanceBody,
  InstancePath,
  NewInstanceBody,
  PoolPath,
  ReasonBody,
  ReservationAnswer,
  StealBody,
} from './pool-schemas.ts'
import { requireRight } from './require-scope.ts'

const ROOT = '/api/v1/pools/{pool}/instances'
const ONE = `${ROOT}/{id}`
const base = { tags: TAGS, security: SECURITY }

/** Orders that are routes of their own. */
const ORDERS: readonly { readonly order: InstanceOrder; readonly summary: string }[] = [
  { order: 'drain', summary: 'Let the holder finish and take no new one' },
  { order: 'undrain', summary: 'Hand out again' },
  { order: 'quarantine', summary: 'Put an instance aside that nobody holds' },
  {
    order: 'restore',
    summary: 'Take an instance out of quarantine, through cleaning and health where the pool has them',
  },
]

export function addInstanceRoutes(router: OpenAPIHono<ApiEnv>, deps: PoolApiDeps): void {
  const list = createRoute({
    ...base,
    method: 'get',
    path: ROOT,
    summary: 'List the instances of a pool',
    request: { params: PoolPath },
    responses: { ...FAILURES, 200: jsonAnswer('by id', z.object({ instances: z.array(InstanceAnswer) })) },
  })
  router.openapi(list, async (context) => {
    const pool = await requirePool(deps.store, context.req.valid('param').pool, context.get('identity'))
    return context.json({ instances: (await deps.store.instances(pool.name)).map(presentInstance) }, 200)
  })

  const add = createRoute({
    ...base,
    method: 'post',
    path: ROOT,
    summary: 'Add an instance',
    request: { params: PoolPath, body: jsonBody(NewInstanceBody) },
    responses: { ...FAILURES, 201: jsonAnswer('added', InstanceAnswer) },
  })
  router.openapi(add, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const pool = await requirePool(deps.store, context.req.valid('param').pool, identity)
    const body = context.req.valid('json')
    const domain = requireDomain(body.domain)
    refuse(labelProblem(body.labels ?? {}) ?? textProblem('note', body.note ?? ''))
    const id = await deps.store.addInstance(
      pool,
      {
        domain,
        sealedToken: deps.cipher.seal(body.token, tokenContext(domain)),
        labels: body.labels ?? {},
        note: body.note ?? '',
        source: 'api',
      },
      identity.actor,
    )
    if (id === null) throw new SlipwayError('conflict', 'domain: already taken', { field: 'domain' })
    return context.json(presentInstance(await requireInstance(deps.store, pool, id)), 201)
  })

  const read = createRoute({
    ...base,
    method: 'get',
    path: ONE,
    summary: 'Look at an instance',
    request: { params: InstancePath },
    responses: { ...FAILURES, 200: jsonAnswer('the instance', InstanceAnswer) },
  })
  router.openapi(read, async (context) => {
    const { pool: name, id } = context.req.valid('param')
    const pool = await requirePool(deps.store, name, context.get('identity'))
    return context.json(presentInstance(await requireInstance(deps.store, pool, id)), 200)
  })

  const edit = createRoute({
    ...base,
    method: 'patch',
    path: ONE,
    summary: 'Change an instance',
    request: { params: InstancePath, body: jsonBody(InstanceBody) },
    responses: { ...FAILURES, 200: jsonAnswer('changed', InstanceAnswer) },
  })
  router.openapi(edit, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const { pool: name, id } = context.req.valid('param')
    const pool = await requirePool(deps.store, name, identity)
    const instance = await requireInstance(deps.store, pool, id)
    const body = context.req.valid('json')
    refuse(labelProblem(body.labels ?? {}) ?? textProblem('note', body.note ?? ''))
    const changed = await deps.store.editInstance(
      pool,
      id,
      {
        ...(body.labels === undefined ? {} : { labels: body.labels }),
        ...(body.note === undefined ? {} : { note: body.note }),
        ...resealed(deps, instance, body),
      },
      identity.actor,
    )
    if (!changed) throw new SlipwayError('conflict', 'domain: already taken', { field: 'domain' })
    return context.json(presentInstance(await requireInstance(deps.store, pool, id)), 200)
  })

  const remove = createRoute({
    ...base,
    method: 'delete',
    path: ONE,
    summary: 'Remove an instance; one that is held leaves when its holder does',
    request: { params: InstancePath },
    responses: {
      ...FAILURES,
      200: jsonAnswer('removed, or leaving', z.object({ removed: z.boolean(), leaving: z.boolean() })),
    },
  })
  router.openapi(remove, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const { pool: name, id } = context.req.valid('param')
    const pool = await requirePool(deps.store, name, identity)
    await requireInstance(deps.store, pool, id)
    await deps.store.order(pool, id, 'remove', identity.actor, '')
    const left = await deps.store.findInstance(pool.name, id)
    return context.json({ removed: left === null, leaving: left !== null }, 200)
  })

  for (const { order, summary } of ORDERS) {
    const route = createRoute({
      ...base,
      method: 'post',
      path: `${ONE}/${order}`,
      summary,
      request: { params: InstancePath, body: { content: { 'application/json': { schema: ReasonBody } } } },
      responses: { ...FAILURES, 200: jsonAnswer('done', InstanceAnswer) },
    })
    router.openapi(route, async (context) => {
      const identity = context.get('identity')
      requireRight(identity, 'admin')
      const { pool: name, id } = context.req.valid('param')
      const pool = await requirePool(deps.store, name, identity)
      const instance = await requireInstance(deps.store, pool, id)
      if (order === 'quarantine' && instance.state === 'held') {
        throw new SlipwayError('conflict', 'the instance is held', { remedy: 'drain it, or steal it first' })
      }
      const { reason } = ReasonBody.parse(context.req.valid('json') ?? {})
      refuse(textProblem('reason', reason))
      await deps.store.order(pool, id, order, identity.actor, reason)
      return context.json(presentInstance(await requireInstance(deps.store, pool, id)), 200)
    })
  }

  const steal = createRoute({
    ...base,
    method: 'post',
    path: `${ONE}/steal`,
    summary: 'Take a held instance from its holder, with a reason',
    request: { params: InstancePath, body: jsonBody(StealBody) },
    responses: { ...FAILURES, 201: jsonAnswer('the new reservation', ReservationAnswer) },
  })
  router.openapi(steal, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'admin')
    const { pool: name, id } = context.req.valid('param')
    const pool = await requirePool(deps.store, name, identity)
    await requireInstance(deps.store, pool, id)
    const { reason, timeout } = context.req.valid('json')
    const stolen = await stealInstance(deps.store, pool, id, {
      client: ADMIN_CLIENT,
      actor: identity.actor,
      reason,
      timeoutMs: timeout ?? null,
    })
    if (stolen.kind === 'invalid')
      throw new SlipwayError('request_invalid', `${stolen.field}: ${stolen.message}`, { field: stolen.field })
    if (stolen.kind === 'not_held')
      throw new SlipwayError('conflict', 'nobody holds the instance', { remedy: 'reserve it by name' })
    return context.json(await presentReservation(deps, stolen.reservation, identity), 201)
  })

  const history = createRoute({
    ...base,
    method: 'get',
    path: `${ONE}/history`,
    summary: 'What happened to an instance, newest first, and how often it failed',
    request: { params: InstancePath, query: HistoryQuery },
    responses: {
      ...FAILURES,
      200: jsonAnswer(
        'its record',
        z.object({ holds: z.int(), failures: z.int(), failure_rate: z.number(), events: z.array(EventAnswer) }),
      ),
    },
  })
  router.openapi(history, async (context) => {
    const { pool: name, id } = context.req.valid('param')
    const pool = await requirePool(deps.store, name, context.get('identity'))
    const { limit, before } = context.req.valid('query')
    const [record, events] = await Promise.all([
      deps.store.record(id),
      deps.store.events(pool.name, id, limit, before ?? null),
    ])
    return context.json(
      {
        holds: record.holds,
        failures: record.failures,
        failure_rate: record.failureRate,
        events: events.map(presentEvent),
      },
      200,
    )
  })
}

/** A token is bound to its domain, so a new domain needs it sealed anew. */
function resealed(deps: PoolApiDeps, instance: Instance, body: z.infer<typeof InstanceBody>) {
  if (body.domain === undefined && body.token === undefined) return {}
  const domain = body.domain === undefined ? instance.domain : requireDomain(body.domain)
  const token = body.token ?? deps.cipher.open(instance.sealedToken, tokenContext(instance.domain))
  return { domain, sealedToken: deps.cipher.seal(token, tokenContext(domain)) }
}

function requireDomain(text: string): string {
  const domain = parseDomain(text)
  if (domain === null)
    throw new SlipwayError('request_invalid', 'domain: must be a host name such as ci1.example.com', {
      field: 'domain',
    })
  return domain
}

function refuse(problem: { readonly field: string; readonly message: string } | null): void {
  if (problem !== null)
    throw new SlipwayError('request_invalid', `${problem.field}: ${problem.message}`, { field: problem.field })
}
