/**
 * The OpenAPI description of the whole server. Routes of the native API describe themselves; those of the compatible
 * APIs keep other systems' shapes to the letter, so they are described in `described-routes.ts`.
 */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { VERSION } from '../core/version.ts'
import { DESCRIBED_ROUTES, type DescribedRoute } from './described-routes.ts'

const TAGS = [
  { name: 'runs', description: 'Units of work, each shown as one check run' },
  { name: 'repositories', description: 'Repositories that have installed the app' },
  { name: 'plan', description: 'What would happen, and why' },
  { name: 'services', description: 'What is deployed, releases, rollback, locks' },
  { name: 'pools', description: 'The release pool' },
  { name: 'pool (compatible)', description: 'As ci-instance-pooling has it' },
  { name: 'runner (compatible)', description: 'As gitfoss-ci-runner has it, for every run' },
  { name: 'packages', description: 'Packages built from tags' },
  { name: 'packages (compatible)', description: 'As enot_auto_builder has it' },
  { name: 'tokens', description: 'API tokens' },
  { name: 'secrets', description: 'Secrets that admins store for repositories' },
  { name: 'deliveries', description: 'Webhooks as they arrived' },
  { name: 'server', description: 'The server itself' },
]

export function describeApi(routes: OpenAPIHono, baseUrl: string): object {
  const {
    paths = {},
    components,
    ...document
  } = routes.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Slipway',
      version: VERSION,
      description:
        'Tokens travel as `Authorization: Bearer TOKEN`. Errors have one shape: `{"error": {"code", "message", "field"?, "remedy"?}}`.',
    },
    servers: [{ url: baseUrl }],
    tags: TAGS,
  })
  return {
    ...document,
    paths: DESCRIBED_ROUTES.reduce(addRoute, { ...paths }),
    components: {
      ...components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        webhook: { type: 'apiKey', in: 'header', name: 'X-Hub-Signature-256' },
      },
    },
  }
}

type Paths = Record<string, object>

function addRoute(paths: Paths, route: DescribedRoute): Paths {
  const known = paths[route.path] ?? {}
  if (route.method in known) return paths
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
  const parameters = [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...Object.entries(route.query ?? {}).map(([name, description]) => ({
      name,
      in: 'query',
      description,
      schema: { type: 'string' },
    })),
  ]
  const properties = Object.entries(route.body ?? {}).map(([name, description]) => [name, { description }])
  const operation = {
    tags: [route.tag],
    summary: route.summary,
    ...(route.security === 'none' ? { security: [] } : { security: [{ [route.security ?? 'bearer']: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            content: { 'application/json': { schema: { type: 'object', properties: Object.fromEntries(properties) } } },
          },
        }),
    responses: Object.fromEntries(
      Object.entries(route.answers).map(([status, description]) => [status, { description }]),
    ),
  }
  return { ...paths, [route.path]: { ...known, [route.method]: operation } }
}
