/** For those who run the server: looking at it, applying its file again, reading who changed what. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { createApiRouter, type ApiEnv } from './api-router.ts'
import type { Authenticate } from './authenticate.ts'
import { requireScope } from './require-scope.ts'

const SECURITY = [{ bearer: [] }]
const TAGS = ['server']

const ServerAnswer = z
  .object({
    version: z.string().openapi({ example: '0.1.0' }),
    instance_id: z
      .string()
      .openapi({ description: 'Names this installation on Docker hosts: the label slipway.instance' }),
    confirm: z.enum(['harmless', 'deploys', 'none']),
    hosts: z.array(z.string()),
  })
  .openapi('Server')

const AppliedAnswer = z
  .object({
    file: z.string().nullable().openapi({ description: 'null: there is no file, the defaults are applied' }),
    hosts: z.array(z.string()),
    pools: z.array(z.string()),
    repositories: z.array(z.string()),
    tokens: z.array(z.string()),
  })
  .openapi('Applied')

const AuditEntry = z
  .object({
    id: z.string(),
    at: z.string(),
    actor: z.string().openapi({ example: 'octocat' }),
    action: z.string().openapi({ example: 'instance.drain' }),
    subject: z.string(),
    detail: z.record(z.string(), z.unknown()),
  })
  .openapi('AuditEntry')

const AuditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  before: z
    .string()
    .regex(/^\d{1,18}$/, 'must be the id of an entry')
    .optional()
    .openapi({ description: 'the last entry of the page before' }),
})

export interface AuditRecord {
  readonly id: string
  readonly at: Date
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface ServerApiDeps {
  readonly authenticate: Authenticate
  readonly describe: () => z.output<typeof ServerAnswer>
  /** Reads server.yml again and takes it over; a mistake in it changes nothing and throws `config_invalid`. */
  readonly apply: (actor: string) => Promise<z.output<typeof AppliedAnswer>>
  /** Newest first. */
  readonly audit: (limit: number, before: string | null) => Promise<readonly AuditRecord[]>
}

export function createServerApiRoutes(deps: ServerApiDeps): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  for (const path of ['/api/v1/server', '/api/v1/apply', '/api/v1/audit']) {
    router.use(path, requireScope(deps.authenticate, 'admin'))
  }
  const look = createRoute({
    method: 'get',
    path: '/api/v1/server',
    tags: TAGS,
    security: SECURITY,
    summary: 'Look at the server',
    responses: { 200: { description: 'the server', content: { 'application/json': { schema: ServerAnswer } } } },
  })
  router.openapi(look, (context) => context.json(deps.describe(), 200))

  const apply = createRoute({
    method: 'post',
    path: '/api/v1/apply',
    tags: TAGS,
    security: SECURITY,
    summary: 'Read server.yml again and take it over',
    responses: {
      200: { description: 'what is in force now', content: { 'application/json': { schema: AppliedAnswer } } },
    },
  })
  router.openapi(apply, async (context) => context.json(await deps.apply(context.get('identity').actor), 200))

  const audit = createRoute({
    method: 'get',
    path: '/api/v1/audit',
    tags: TAGS,
    security: SECURITY,
    summary: 'Who changed what, newest first',
    request: { query: AuditQuery },
    responses: {
      200: {
        description: 'a page',
        content: { 'application/json': { schema: z.object({ entries: z.array(AuditEntry) }) } },
      },
    },
  })
  router.openapi(audit, async (context) => {
    const { limit, before } = context.req.valid('query')
    const entries = await deps.audit(limit, before ?? null)
    return context.json({ entries: entries.map((entry) => ({ ...entry, at: entry.at.toISOString() })) }, 200)
  })
  return router
}
