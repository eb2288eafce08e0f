/** What an admin's tools ask about the server itself. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { createApiRouter, type ApiEnv } from './api-router.ts'
import type { Authenticate } from './authenticate.ts'
import { requireScope } from './require-scope.ts'

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

export interface ServerApiDeps {
  readonly authenticate: Authenticate
  readonly describe: () => z.output<typeof ServerAnswer>
}

export function createServerApiRoutes(deps: ServerApiDeps): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  router.use('/api/v1/server', requireScope(deps.authenticate, 'admin'))
  const look = createRoute({
    method: 'get',
    path: '/api/v1/server',
    tags: ['server'],
    security: [{ bearer: [] }],
    summary: 'Look at the server',
    responses: { 200: { description: 'the server', content: { 'application/json': { schema: ServerAnswer } } } },
  })
  router.openapi(look, (context) => context.json(deps.describe(), 200))
  return router
}
