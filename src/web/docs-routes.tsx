/** The API's documentation, served from here alone: the page, and the files it is made from. */
import { Hono } from 'hono'
import type { JsonSchema } from '../config/json-schema.ts'
import { Page } from './layout.tsx'
import { setSecurityHeaders } from './security-headers.ts'
import type { Session } from './session.ts'
import type { Context } from 'hono'

export interface DocsDeps {
  /** The OpenAPI description of every route; made when it is first asked for. */
  readonly openApi: () => object
  readonly repositorySchema: () => JsonSchema
  readonly serverSchema: () => JsonSchema
  /** Who looks, if anybody: the page is open. */
  readonly visitor: (context: Context) => Promise<Session | null>
}

const CACHE = 'public, max-age=300'

export function createDocsRoutes(deps: DocsDeps): Hono {
  const routes = new Hono()
  const json = (context: Context, body: object, type = 'application/json') => {
    const text = JSON.stringify(body, null, 2)
    return context.body(text, 200, { 'content-type': type, 'cache-control': CACHE, 'access-control-allow-origin': '*' })
  }
  routes.get('/openapi.json', (context) => json(context, deps.openApi()))
  routes.get('/schema/slipway.json', (context) => json(context, deps.repositorySchema(), 'application/schema+json'))
  routes.get('/schema/server.json', (context) => json(context, deps.serverSchema(), 'application/schema+json'))
  routes.get('/docs', async (context) => {
    const session = await deps.visitor(context)
    const answer = await context.html(
      <Page title="API" session={session} assets={['swagger-ui.css', 'docs.css', 'swagger-ui.js', 'docs.js']}>
        <h1 class="hidden-text">API</h1>
        <div id="docs">
          <p class="empty">
            The description is at <a href="/openapi.json">/openapi.json</a>; this page shows it with a script.
          </p>
        </div>
      </Page>,
    )
    context.res = answer
    setSecurityHeaders(context)
    return context.res
  })
  return routes
}
