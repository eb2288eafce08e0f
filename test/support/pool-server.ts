/** The pool's HTTP routes on a real port, as the product serves them. */
import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { silentLogger } from '../../src/core/logger.ts'
import { secretOf } from '../../src/core/secret.ts'
import { createAuthenticate } from '../../src/http/authenticate.ts'
import { errorResponse, notFound } from '../../src/http/error-response.ts'
import { createPoolApiRoutes } from '../../src/http/pool-api.ts'
import { createCompatiblePoolRoutes } from '../../src/http/pool-compatible.ts'
import { startHttpServer } from '../../src/http/server.ts'
import type { PoolSignals, PoolStore, TokenCipher } from '../../src/pool/index.ts'
import type { TokenStore } from '../../src/store/tokens.ts'
import { createTokenApiRoutes } from '../../src/http/tokens-api.ts'

export const POOL_TOKEN = 'pool-token-of-the-tests'
export const ADMIN_TOKEN = 'admin-token-of-the-tests'

export interface PoolServerDeps {
  readonly store: PoolStore
  readonly signals: PoolSignals
  readonly cipher: TokenCipher
  readonly tokens: TokenStore
  readonly listTokens?: boolean
  readonly withoutTokens?: boolean
}

export async function startPoolServer(deps: PoolServerDeps, port = 0) {
  const authenticate = createAuthenticate({
    findByHash: (hash) => deps.tokens.findByHash(hash),
    adminToken: deps.withoutTokens === true ? null : secretOf(ADMIN_TOKEN),
    poolToken: deps.withoutTokens === true ? null : secretOf(POOL_TOKEN),
    now: () => Date.now(),
  })
  const shared = { authenticate, store: deps.store, signals: deps.signals, cipher: deps.cipher }
  const app = new Hono()
  app.route('/', createCompatiblePoolRoutes({ ...shared, listTokens: deps.listTokens ?? true, newId: randomUUID }))
  app.route('/', createPoolApiRoutes(shared))
  app.route('/', createTokenApiRoutes({ authenticate, tokens: deps.tokens }))
  app.notFound(notFound)
  app.onError((error, context) => errorResponse(context, error, silentLogger))
  const server = await startHttpServer(
    {
      webhookPath: '/api/github/webhooks',
      onWebhook: () => Promise.resolve(),
      fetch: (request, env) => app.fetch(request, env),
      onUpgrade: (_request, socket) => socket.destroy(),
    },
    port,
    '127.0.0.1',
  )
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(0) }
}
