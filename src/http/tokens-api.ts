/** API tokens under `/api/v1/tokens`, for admins. A token is shown once: in the answer that makes it. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { TokenScope } from '../config/server-config.ts'
import { DURATION_FORM, parseDuration } from '../core/duration.ts'
import { SlipwayError } from '../core/errors.ts'
import { reveal, type Secret } from '../core/secret.ts'
import { createApiRouter, limitBody, requireJson, type ApiEnv } from './api-router.ts'
import type { Authenticate } from './authenticate.ts'
import { FAILURES, jsonAnswer, jsonBody, SECURITY } from './pool-route.ts'
import { requireScope } from './require-scope.ts'

const ROOT = '/api/v1/tokens'
const base = { tags: ['tokens'], security: SECURITY }
/** How long the old token stays valid after a rotation that does not say. */
const DEFAULT_OVERLAP_MS = 24 * 3_600_000

export interface TokenView {
  readonly id: string
  readonly name: string
  readonly scope: TokenScope
  readonly pools: readonly string[] | null
  readonly organization: string | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  readonly lastUsedAt: Date | null
}

interface Issued {
  readonly token: Secret
  readonly record: TokenView
}

/** What the routes need of the tokens' store. */
export interface Tokens {
  issue(
    token: {
      readonly name: string
      readonly scope: TokenScope
      readonly pools: readonly string[] | null
      readonly ttlMs: number | null
    },
    actor: string,
  ): Promise<Issued>
  list(): Promise<readonly TokenView[]>
  rotate(id: string, overlapMs: number, actor: string): Promise<Issued | null>
  revoke(id: string, actor: string): Promise<boolean>
}

const Duration = z
  .union([z.number(), z.string()])
  .transform((value, context) => {
    const milliseconds = parseDuration(value)
    if (milliseconds !== null) return milliseconds
    context.addIssue({ code: 'custom', message: `must be ${DURATION_FORM}` })
    return z.NEVER
  })
  .openapi({ type: 'string', example: '90d' })

const NewTokenBody = z.strictObject({
  name: z.string().trim().min(1, 'cannot be blank').max(100),
  scope: z.enum(['pool', 'runner', 'packages', 'read', 'admin']),
  pools: z.array(z.string().min(1)).min(1).nullable().optional(),
  expires_in: Duration.optional(),
})
const RotateBody = z.strictObject({ overlap: Duration.default(DEFAULT_OVERLAP_MS) })
const TokenPath = z.object({ id: z.uuid('is not an id').openapi({ param: { name: 'id', in: 'path' } }) })

const Time = z.iso.datetime().nullable()
const TokenAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    scope: z.string(),
    pools: z.array(z.string()).nullable(),
    organization: z.string().nullable(),
    created_by: z.string(),
    created_at: z.iso.datetime(),
    expires_at: Time,
    revoked_at: Time,
    last_used_at: Time,
  })
  .openapi('Token')
const IssuedAnswer = TokenAnswer.extend({ token: z.string() }).openapi('IssuedToken')

export function createTokenApiRoutes(deps: {
  readonly authenticate: Authenticate
  readonly tokens: Tokens
}): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  for (const path of [ROOT, `${ROOT}/*`])
    router.use(path, requireScope(deps.authenticate, 'admin'), limitBody, requireJson)

  const list = createRoute({
    ...base,
    method: 'get',
    path: ROOT,
    summary: 'List the tokens',
    responses: {
      ...FAILURES,
      200: jsonAnswer('newest first, without the tokens themselves', z.object({ tokens: z.array(TokenAnswer) })),
    },
  })
  router.openapi(list, async (context) => context.json({ tokens: (await deps.tokens.list()).map(present) }, 200))

  const create = createRoute({
    ...base,
    method: 'post',
    path: ROOT,
    summary: 'Make a token',
    request: { body: jsonBody(NewTokenBody) },
    responses: { ...FAILURES, 201: jsonAnswer('the token, shown this once', IssuedAnswer) },
  })
  router.openapi(create, async (context) => {
    const { name, scope, pools, expires_in: ttlMs } = context.req.valid('json')
    const issued = await deps.tokens.issue(
      { name, scope, pools: pools ?? null, ttlMs: ttlMs ?? null },
      context.get('identity').actor,
    )
    return context.json(presentIssued(issued), 201)
  })

  const rotate = createRoute({
    ...base,
    method: 'post',
    path: `${ROOT}/{id}/rotate`,
    summary: 'Replace a token; the old one stays valid for the overlap',
    request: { params: TokenPath, body: jsonBody(RotateBody) },
    responses: { ...FAILURES, 201: jsonAnswer('the new token, shown this once', IssuedAnswer) },
  })
  router.openapi(rotate, async (context) => {
    const { id } = context.req.valid('param')
    const issued = await deps.tokens.rotate(id, context.req.valid('json').overlap, context.get('identity').actor)
    if (issued === null) throw notThere(id)
    return context.json(presentIssued(issued), 201)
  })

  const revoke = createRoute({
    ...base,
    method: 'delete',
    path: `${ROOT}/{id}`,
    summary: 'Revoke a token at once',
    request: { params: TokenPath },
    responses: { ...FAILURES, 204: { description: 'revoked' } },
  })
  router.openapi(revoke, async (context) => {
    const { id } = context.req.valid('param')
    if (!(await deps.tokens.revoke(id, context.get('identity').actor))) throw notThere(id)
    return context.body(null, 204)
  })
  return router
}

function present(token: TokenView): z.infer<typeof TokenAnswer> {
  return {
    id: token.id,
    name: token.name,
    scope: token.scope,
    pools: token.pools === null ? null : [...token.pools],
    organization: token.organization,
    created_by: token.createdBy,
    created_at: token.createdAt.toISOString(),
    expires_at: token.expiresAt?.toISOString() ?? null,
    revoked_at: token.revokedAt?.toISOString() ?? null,
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
  }
}

function presentIssued({ token, record }: Issued): z.infer<typeof IssuedAnswer> {
  return { ...present(record), token: reveal(token) }
}

function notThere(id: string): SlipwayError {
  return new SlipwayError('not_found', `id: there is no valid token ${id}`, { field: 'id' })
}
