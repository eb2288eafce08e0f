/** The native API of what admins look after: deliveries and secrets. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { SlipwayError } from '../core/errors.ts'
import { createApiRouter, limitBody, requireJson, type ApiEnv } from './api-router.ts'
import type { Authenticate } from './authenticate.ts'
import { requireScope } from './require-scope.ts'
import { Failures } from './runs-schemas.ts'

const SECRETS = '/api/v1/secrets'
const DELIVERIES = '/api/v1/deliveries'
const LARGEST_PAGE = 200
/** As long as an environment variable may reasonably be. */
const LONGEST_SECRET = 64 * 1024
/** Masking shorter ones in logs would hide half of every line. */
const SHORTEST_SECRET = 4
const security = [{ bearer: [] }]
const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})

interface SecretShown {
  readonly repository: string
  readonly name: string
  readonly version: number
  readonly createdBy: string
  readonly createdAt: Date
}

interface DeliveryShown {
  readonly id: string
  readonly event: string
  readonly action: string | null
  readonly state: 'received' | 'handled' | 'ignored' | 'failed'
  readonly note: string | null
  readonly receivedAt: Date
  readonly handledAt: Date | null
}

export interface AdminApiDeps {
  readonly authenticate: Authenticate
  readonly secrets: {
    list(): Promise<readonly SecretShown[]>
    put(
      secret: { readonly repository: string; readonly name: string; readonly value: string },
      actor: string,
    ): Promise<SecretShown>
    remove(repository: string, name: string, actor: string): Promise<boolean>
  }
  readonly deliveries: {
    list(page: { readonly before?: Date; readonly limit: number }): Promise<readonly DeliveryShown[]>
    get(id: string): Promise<(DeliveryShown & { readonly payload: string }) | null>
  }
}

const Moment = z.iso.datetime()
const SecretAnswer = z
  .object({ repository: z.string(), name: z.string(), version: z.number(), created_by: z.string(), created_at: Moment })
  .openapi('Secret')
const Repository = z.string().regex(/^[\w.-]{1,100}\/(?:[\w.-]{1,100}|\*)$/, 'must be OWNER/NAME or OWNER/*')
const SecretName = z.string().regex(/^[A-Za-z_]\w{0,127}$/, 'must be letters, digits and underscores')
const SecretBody = z.strictObject({
  repository: Repository,
  name: SecretName,
  value: z.string().min(SHORTEST_SECRET).max(LONGEST_SECRET),
})
const SecretQuery = z.object({ repository: Repository, name: SecretName })
const DeliveryAnswer = z
  .object({
    id: z.string(),
    event: z.string(),
    action: z.string().nullable(),
    state: z.enum(['received', 'handled', 'ignored', 'failed']),
    note: z.string().nullable(),
    received_at: Moment,
    handled_at: Moment.nullable(),
  })
  .openapi('Delivery')

export function createAdminApiRoutes(deps: AdminApiDeps): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  for (const path of [SECRETS, DELIVERIES, `${DELIVERIES}/*`])
    router.use(path, requireScope(deps.authenticate, 'admin'), limitBody, requireJson)
  const secrets = { tags: ['secrets'], security, path: SECRETS }

  const list = createRoute({
    ...secrets,
    method: 'get',
    summary: 'List the secrets, without their values',
    responses: { ...Failures, 200: json('by repository and name', z.object({ secrets: z.array(SecretAnswer) })) },
  })
  router.openapi(list, async (context) =>
    context.json({ secrets: (await deps.secrets.list()).map(presentSecret) }, 200),
  )

  const put = createRoute({
    ...secrets,
    method: 'put',
    summary: 'Store a secret; a new value is a new version',
    request: { body: { required: true, content: { 'application/json': { schema: SecretBody } } } },
    responses: { ...Failures, 200: json('what was stored', SecretAnswer) },
  })
  router.openapi(put, async (context) => {
    const stored = await deps.secrets.put(context.req.valid('json'), context.get('identity').actor)
    return context.json(presentSecret(stored), 200)
  })

  const remove = createRoute({
    ...secrets,
    method: 'delete',
    summary: 'Remove a secret; what runs keeps it',
    request: { query: SecretQuery },
    responses: { ...Failures, 204: { description: 'removed' } },
  })
  router.openapi(remove, async (context) => {
    const { repository, name } = context.req.valid('query')
    if (!(await deps.secrets.remove(repository, name, context.get('identity').actor))) {
      throw new SlipwayError('not_found', `name: there is no secret ${name} of ${repository}`, { field: 'name' })
    }
    return context.body(null, 204)
  })

  const deliveries = createRoute({
    tags: ['deliveries'],
    security,
    method: 'get',
    path: DELIVERIES,
    summary: 'List the webhooks that arrived, newest first',
    request: {
      query: z.object({
        before: Moment.optional(),
        limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
      }),
    },
    responses: {
      ...Failures,
      200: json('a page', z.object({ deliveries: z.array(DeliveryAnswer), next: Moment.nullable() })),
    },
  })
  router.openapi(deliveries, async (context) => {
    const { before, limit } = context.req.valid('query')
    const found = await deps.deliveries.list({ limit, ...(before === undefined ? {} : { before: new Date(before) }) })
    const last = found.length < limit ? undefined : found.at(-1)
    return context.json({ deliveries: found.map(presentDelivery), next: last?.receivedAt.toISOString() ?? null }, 200)
  })

  const delivery = createRoute({
    tags: ['deliveries'],
    security,
    method: 'get',
    path: `${DELIVERIES}/{id}`,
    summary: 'Look at a webhook with its payload',
    request: { params: z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) }) },
    responses: { ...Failures, 200: json('the delivery', DeliveryAnswer.extend({ payload: z.unknown() })) },
  })
  router.openapi(delivery, async (context) => {
    const { id } = context.req.valid('param')
    const found = await deps.deliveries.get(id)
    if (found === null) throw new SlipwayError('not_found', `id: there is no delivery ${id}`, { field: 'id' })
    return context.json({ ...presentDelivery(found), payload: parsed(found.payload) }, 200)
  })
  return router
}

function presentSecret({ repository, name, version, createdBy, createdAt }: SecretShown): z.input<typeof SecretAnswer> {
  return { repository, name, version, created_by: createdBy, created_at: createdAt.toISOString() }
}

function presentDelivery({
  id,
  event,
  action,
  state,
  note,
  receivedAt,
  handledAt,
}: DeliveryShown): z.input<typeof DeliveryAnswer> {
  return {
    id,
    event,
    action,
    state,
    note,
    received_at: receivedAt.toISOString(),
    handled_at: handledAt?.toISOString() ?? null,
  }
}

/** It was JSON when it was taken in. */
function parsed(payload: string): unknown {
  return JSON.parse(payload)
}
