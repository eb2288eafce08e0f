/** Reservations under `/api/v1/pools/{pool}/reservations`. */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi'
import { SlipwayError } from '../core/errors.ts'
import { POLLING_WAITER_TTL_MS, reserve, retryAfterSeconds, type Reservation } from '../pool/index.ts'
import type { ApiEnv } from './api-router.ts'
import { mayUse, type Identity } from './authenticate.ts'
import type { PoolApiDeps } from './pool-api.ts'
import { presentReservation } from './pool-present.ts'
import { FAILURES, jsonAnswer, jsonBody, requirePool, SECURITY, TAGS } from './pool-route.ts'
import {
  ExtendBody,
  ReleaseBody,
  ReservationAnswer,
  ReservationBody,
  ReservationPath,
  ReservationQuery,
  PoolPath,
} from './pool-schemas.ts'
import { requireRight } from './require-scope.ts'

const ROOT = '/api/v1/pools/{pool}/reservations'
const ONE = `${ROOT}/{id}`
const base = { tags: TAGS, security: SECURITY }

export function addReservationRoutes(router: OpenAPIHono<ApiEnv>, deps: PoolApiDeps): void {
  const create = createRoute({
    ...base,
    method: 'post',
    path: ROOT,
    summary: 'Reserve one or several instances',
    description:
      'Held at once (201), queued when `wait` says so (202), else 409 with Retry-After. A waiter asks again at least every minute.',
    request: { params: PoolPath, body: jsonBody(ReservationBody) },
    responses: {
      ...FAILURES,
      200: jsonAnswer('the idempotency key was used before: that reservation', ReservationAnswer),
      201: jsonAnswer('held', ReservationAnswer),
      202: jsonAnswer('in the line', ReservationAnswer),
    },
  })
  router.openapi(create, async (context) => {
    const identity = context.get('identity')
    requireRight(identity, 'pool')
    const pool = await requirePool(deps.store, context.req.valid('param').pool, identity)
    const body = context.req.valid('json')
    const key = body.idempotency_key ?? context.req.header('idempotency-key') ?? null
    const answer = await reserve(
      deps,
      pool,
      {
        client: body.client,
        actor: identity.actor,
        ...(body.count === undefined ? {} : { count: body.count }),
        ...(body.labels === undefined ? {} : { labels: body.labels }),
        ...(body.priority === undefined ? {} : { priority: body.priority }),
        ...(body.timeout === undefined ? {} : { timeoutMs: body.timeout }),
        ...(body.reason === undefined ? {} : { reason: body.reason }),
        repository: body.repository ?? null,
        instanceId: body.instance ?? null,
        idempotencyKey: key,
        holdOnFailureMs: body.hold_on_failure ?? null,
        heartbeatMs: body.heartbeat ?? null,
        wait:
          body.wait === undefined || body.wait === 0
            ? null
            : { forMs: body.wait, ttlMs: POLLING_WAITER_TTL_MS, waiterId: null, wakeJob: null },
      },
      context.req.raw.signal,
    )
    switch (answer.kind) {
      case 'granted':
        return context.json(await presentReservation(deps, answer.reservation, identity), 201)
      case 'waiting':
        return context.json(await presentReservation(deps, answer.reservation, identity), 202)
      case 'ended':
        return context.json(await presentReservation(deps, answer.reservation, identity), 200)
      case 'invalid':
        throw new SlipwayError('request_invalid', `${answer.field}: ${answer.message}`, { field: answer.field })
      case 'unservable':
        throw new SlipwayError(
          'request_invalid',
          `labels: only ${answer.matching} instances of the pool fit, now or later`,
          {
            field:
              body.instance === undefined
                ? Object.keys(body.labels ?? {}).length > 0
                  ? 'labels'
                  : 'count'
                : 'instance',
          },
        )
      case 'limit_reached':
        throw new SlipwayError(
          'conflict',
          `the repository reached its limit of ${answer.max} ${answer.limit} at once in this pool`,
        )
      case 'none_free':
        context.header('retry-after', String(retryAfterSeconds(answer.untilNextEndMs)))
        throw new SlipwayError('conflict', 'no instance is free now', {
          remedy: 'ask with `wait` to stand in the line',
        })
      case 'duplicate':
      case 'hung_up':
        throw new SlipwayError('conflict', 'the client has a reservation already')
    }
  })

  const read = createRoute({
    ...base,
    method: 'get',
    path: ONE,
    summary: 'Look at a reservation, and stay in the line with it',
    request: { params: ReservationPath, query: ReservationQuery },
    responses: { ...FAILURES, 200: jsonAnswer('the reservation', ReservationAnswer) },
  })
  router.openapi(read, async (context) => {
    const identity = context.get('identity')
    const { pool, id } = context.req.valid('param')
    const reservation = await requireReservation(deps, pool, id, identity)
    if (reservation.state === 'ended' || reservation.state === 'held') {
      return context.json(await presentReservation(deps, reservation, identity), 200)
    }
    // Only whoever asked stands in the line by asking again.
    if (identity.actor === reservation.actor) await deps.store.seeWaiters([id])
    const { wait } = context.req.valid('query')
    if (wait > 0) await deps.signals.settled(id, wait * 1000, context.req.raw.signal)
    return context.json(
      await presentReservation(deps, await requireReservation(deps, pool, id, identity), identity),
      200,
    )
  })

  const extend = createRoute({
    ...base,
    method: 'patch',
    path: ONE,
    summary: 'Extend a reservation',
    description:
      'Its new end is `timeout` from now, at most the maximum of the pool after it began. The answer says which.',
    request: { params: ReservationPath, body: jsonBody(ExtendBody) },
    responses: { ...FAILURES, 200: jsonAnswer('extended', ReservationAnswer) },
  })
  router.openapi(extend, async (context) => {
    const identity = context.get('identity')
    const { pool, id } = context.req.valid('param')
    await requireOwn(deps, pool, id, identity)
    const extended = await deps.store.extend(id, context.req.valid('json').timeout, identity.actor)
    if (extended === null) throw new SlipwayError('conflict', 'the reservation is not held')
    if (!extended.gained)
      throw new SlipwayError('conflict', `it cannot last longer than until ${extended.until.toISOString()}`)
    return context.json(
      await presentReservation(deps, await requireReservation(deps, pool, id, identity), identity),
      200,
    )
  })

  const beat = createRoute({
    ...base,
    method: 'post',
    path: `${ONE}/heartbeat`,
    summary: 'Say that the holder lives',
    description: 'After three missed heartbeats the reservation ends. A heartbeat does not extend it.',
    request: { params: ReservationPath },
    responses: { ...FAILURES, 204: { description: 'noted' } },
  })
  router.openapi(beat, async (context) => {
    const { pool, id } = context.req.valid('param')
    await requireOwn(deps, pool, id, context.get('identity'))
    if (!(await deps.store.beat(id))) throw new SlipwayError('conflict', 'the reservation is not held')
    return context.body(null, 204)
  })

  const release = createRoute({
    ...base,
    method: 'delete',
    path: ONE,
    summary: 'Release a reservation or leave the line',
    description:
      'Releasing twice is the same as once. With `outcome: failure`, `hold_on_failure` keeps the instance for a while.',
    request: { params: ReservationPath, body: { content: { 'application/json': { schema: ReleaseBody } } } },
    responses: { ...FAILURES, 200: jsonAnswer('over, or kept for debugging', ReservationAnswer) },
  })
  router.openapi(release, async (context) => {
    const identity = context.get('identity')
    const { pool, id } = context.req.valid('param')
    const reservation = await requireOwn(deps, pool, id, identity)
    const body = parseRelease(context.req.valid('json'))
    if (body.generation !== undefined && body.generation !== reservation.generation) {
      throw new SlipwayError('conflict', 'generation: this is another reservation', { field: 'generation' })
    }
    await deps.store.end(
      { by: 'id', id },
      { ending: 'released', actor: identity.actor, reason: body.reason ?? '', failed: body.outcome === 'failure' },
    )
    return context.json(
      await presentReservation(deps, await requireReservation(deps, pool, id, identity), identity),
      200,
    )
  })
}

/** A DELETE may come without a body. */
function parseRelease(body: unknown): z.infer<typeof ReleaseBody> {
  return ReleaseBody.parse(body ?? {})
}

async function requireReservation(
  deps: PoolApiDeps,
  poolName: string,
  id: string,
  identity: Identity,
): Promise<Reservation> {
  const pool = await requirePool(deps.store, poolName, identity)
  const reservation = await deps.store.findReservation(id)
  if (reservation?.pool !== pool.name)
    throw new SlipwayError('not_found', `id: there is no reservation ${id}`, { field: 'id' })
  return reservation
}

/** Only the token that reserved it, or an admin's, may change a reservation. */
async function requireOwn(deps: PoolApiDeps, poolName: string, id: string, identity: Identity): Promise<Reservation> {
  const reservation = await requireReservation(deps, poolName, id, identity)
  if (identity.actor !== reservation.actor && !mayUse(identity, 'admin')) {
    throw new SlipwayError('not_allowed', 'the reservation was made with another token')
  }
  return reservation
}
