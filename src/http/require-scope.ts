/** Lets a request pass only with a token of the right scope, and says for whom it is. */
import type { Context, MiddlewareHandler } from 'hono'
import { SlipwayError } from '../core/errors.ts'
import type { TokenScope } from '../config/server-config.ts'
import type { ApiEnv } from './api-router.ts'
import { mayUse, type Authenticate, type Identity } from './authenticate.ts'

export function requireScope(authenticate: Authenticate, scope: TokenScope): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const answer = await authenticate(context.req.header('authorization'), remoteAddress(context))
    switch (answer.kind) {
      case 'refused':
        throw new SlipwayError('not_authenticated', 'a valid token is needed as `Authorization: Bearer TOKEN`')
      case 'limited':
        context.header('retry-after', String(answer.retryAfterSeconds))
        throw new SlipwayError('too_many_requests', 'too many wrong tokens came from this address')
      case 'ok':
        requireRight(answer.identity, scope)
        context.set('identity', answer.identity)
        return next()
    }
  }
}

/** For routes that need more than their router's scope. */
export function requireRight(identity: Identity, scope: TokenScope): void {
  if (!mayUse(identity, scope)) {
    throw new SlipwayError('not_allowed', `this needs a token of scope ${scope}`, {
      remedy: `make one with: slipway token create NAME --scope ${scope}`,
    })
  }
}

/** Of the other end of the connection; in a test without one, a word. */
export function remoteAddress(context: Context): string {
  const env: unknown = context.env
  if (typeof env !== 'object' || env === null || !('incoming' in env)) return 'local'
  const { incoming } = env as { readonly incoming: { readonly socket?: { readonly remoteAddress?: string } } }
  return incoming.socket?.remoteAddress ?? 'local'
}
