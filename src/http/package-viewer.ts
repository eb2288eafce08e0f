import type { Context } from 'hono'
import { SlipwayError } from '../core/errors.ts'
import type { Viewer } from '../packages/index.ts'
import { mayUse, type Authenticate } from './authenticate.ts'
import { remoteAddress } from './require-scope.ts'

/** Who asks for packages. A wrong token is an error; none at all is everybody. */
export type ViewerOf = (context: Context) => Promise<Viewer>

const EVERYBODY: Viewer = { actor: 'anonymous', mayWrite: false, privateRepositories: [] }

/** @param session the person who is logged in, null when nobody is */
export function packageViewer(
  authenticate: Authenticate,
  session: (context: Context) => Promise<Viewer | null>,
): ViewerOf {
  return async (context) => {
    const authorization = context.req.header('authorization')
    if (authorization === undefined) return (await session(context)) ?? EVERYBODY
    const answer = await authenticate(authorization, remoteAddress(context))
    switch (answer.kind) {
      case 'refused':
        throw new SlipwayError('not_authenticated', 'the token is not valid')
      case 'limited':
        context.header('retry-after', String(answer.retryAfterSeconds))
        throw new SlipwayError('too_many_requests', 'too many wrong tokens came from this address')
      case 'ok': {
        const { identity } = answer
        const mayWrite = mayUse(identity, 'packages')
        // A token for the pool or a runner says nothing about who may read a repository.
        const mayReadAll = mayWrite || identity.scope === 'read'
        return { actor: identity.actor, mayWrite, privateRepositories: mayReadAll ? 'all' : [] }
      }
    }
  }
}

export function requireWriter(viewer: Viewer): void {
  if (viewer.mayWrite) return
  if (viewer.actor === EVERYBODY.actor)
    throw new SlipwayError('not_authenticated', 'a token of scope packages is needed as `Authorization: Bearer TOKEN`')
  throw new SlipwayError('not_allowed', 'this needs a token of scope packages', {
    remedy: 'make one with: slipway token create NAME --scope packages',
  })
}
