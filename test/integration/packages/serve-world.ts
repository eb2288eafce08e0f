/** The package routes of a world on a real port, as `main.ts` mounts them. */
import { Hono } from 'hono'
import { silentLogger } from '../../../src/core/logger.ts'
import { secretOf } from '../../../src/core/secret.ts'
import { createAuthenticate } from '../../../src/http/authenticate.ts'
import { errorResponse } from '../../../src/http/error-response.ts'
import { packageViewer } from '../../../src/http/package-viewer.ts'
import { createPackagesApiRoutes } from '../../../src/http/packages-api.ts'
import { createCompatiblePackagesRoutes } from '../../../src/http/packages-compatible.ts'
import { startHttpServer } from '../../../src/http/server.ts'
import type { World } from './package-world.ts'

export const TOKEN = 'admin-token-of-the-test'
export const CALLBACK_SECRET = 'callback-secret'

export async function serveWorld(world: World) {
  const authenticate = createAuthenticate({
    findByHash: () => Promise.resolve(null),
    adminToken: secretOf(TOKEN),
    poolToken: secretOf('pool-token'),
    now: Date.now,
  })
  const deps = {
    ...world.deps,
    catalogue: world.catalogue,
    runtimes: world.runtimes,
    viewerOf: packageViewer(authenticate, () => Promise.resolve(null)),
    callbackSecret: secretOf(CALLBACK_SECRET),
  }
  const app = new Hono()
  app.onError((error, context) => errorResponse(context, error, silentLogger))
  app.route('/', createCompatiblePackagesRoutes(deps))
  app.route('/', createPackagesApiRoutes(deps))
  const server = await startHttpServer(
    {
      webhookPath: '/api/github/webhooks',
      onWebhook: () => Promise.resolve(),
      fetch: (request, env) => app.fetch(request, env),
      onUpgrade: (_request, socket) => socket.destroy(),
    },
    0,
    '127.0.0.1',
  )
  const url = `http://127.0.0.1:${server.port}`
  return {
    url,
    get: (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      fetch(`${url}${path}`, { method, headers }),
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    stop: () => server.stop(0),
  }
}

export const AUTHORIZED = { authorization: `Bearer ${TOKEN}` }
