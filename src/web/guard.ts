/**
 * Stands before every page: finds out who looks, sends strangers to the log-in, and lets nothing be changed without
 * proof that the form came from one of our own pages. Each route names its guard, and a router of pages turns errors
 * into pages:
 *
 *     const router = createPageRouter(logger)
 *     router.get('/pools', guard.signedIn, (context) => context.html(<Page session={sessionOf(context)} .../>))
 *     router.post('/pools/:name/drain', guard.admin, async (context) => { ... return context.redirect('/pools', 303) })
 */
import { timingSafeEqual } from 'node:crypto'
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { CSRF_FIELD } from './csrf-field.tsx'
import { errorPage } from './error-page.tsx'
import type { CheckToken } from './ports.ts'
import { setSecurityHeaders } from './security-headers.ts'
import { sessionOf, type Session, type WebEnv } from './session.ts'
import type { Sessions } from './sessions.ts'

/** No form of ours is longer; a secret has at most 64 KiB. */
const MAX_FORM_BYTES = 256 * 1024

export interface GuardDeps {
  readonly sessions: Sessions
  readonly checkToken: CheckToken
  readonly addressOf: (context: Context) => string
  readonly baseUrl: string
  /** False until the GitHub App exists: then every page leads to the set-up. */
  readonly isConfigured: () => boolean
}

export interface Guard {
  /** Anyone may look. */
  readonly open: MiddlewareHandler<WebEnv>
  readonly signedIn: MiddlewareHandler<WebEnv>
  readonly admin: MiddlewareHandler<WebEnv>
}

/** Routers of pages: what a handler throws becomes a page that says what to do. */
export function createPageRouter(logger: Logger): Hono<WebEnv> {
  const router = new Hono<WebEnv>()
  router.onError((error, context) => errorPage(context, error, logger))
  return router
}

export function createGuard(deps: GuardDeps): Guard {
  const guarded =
    (admit: (context: Context<WebEnv>, session: Session | null) => Response | null): MiddlewareHandler<WebEnv> =>
    async (context, next) => {
      const answer = await meet(context)
      if (answer === null) await next()
      else context.res = answer
      setSecurityHeaders(context)
      return undefined

      async function meet(context: Context<WebEnv>): Promise<Response | null> {
        if (!deps.isConfigured()) return context.redirect('/setup')
        const session = await visitor(deps, context)
        context.set('session', session)
        const refusal = admit(context, session)
        if (refusal === null) await requireCsrf(context, deps.baseUrl)
        return refusal
      }
    }
  return {
    open: guarded(() => null),
    signedIn: guarded((context, session) => (session === null ? toLogin(context) : null)),
    admin: guarded((context, session) => {
      if (session === null) return toLogin(context)
      if (!session.isAdmin) throw new SlipwayError('not_allowed', 'this is for the admins of the server')
      return null
    }),
  }
}

/** The session of the cookie, or for reading the admin's token of the header. */
async function visitor(deps: GuardDeps, context: Context<WebEnv>): Promise<Session | null> {
  const authorization = context.req.header('authorization')
  if (authorization === undefined || isUnsafe(context)) return await deps.sessions.find(context)
  const answer = await deps.checkToken(authorization, deps.addressOf(context))
  if (answer.kind === 'limited')
    throw new SlipwayError('too_many_requests', 'too many wrong tokens came from this address')
  if (answer.kind === 'refused') throw new SlipwayError('not_authenticated', 'this token is not valid')
  if (answer.identity.scope !== 'admin') throw new SlipwayError('not_allowed', 'pages open with a token of scope admin')
  return { actor: answer.identity.actor, login: null, isAdmin: true, csrf: null }
}

/**
 * Refuses an unsafe request that another site may have caused: its origin must be ours, and it must bring the session's
 * secret word, as the field `_csrf` or the header `x-csrf-token`.
 */
export async function requireCsrf(context: Context<WebEnv>, baseUrl: string): Promise<void> {
  if (!isUnsafe(context)) return
  requireOwnOrigin(context, baseUrl)
  if (
    Number(context.req.header('content-length') ?? Number.NaN) > MAX_FORM_BYTES ||
    context.req.header('transfer-encoding') !== undefined
  ) {
    throw new SlipwayError('body_too_large', `a form has at most ${MAX_FORM_BYTES} bytes`)
  }
  const { csrf } = sessionOf(context)
  const given = context.req.header('x-csrf-token') ?? (await context.req.parseBody())[CSRF_FIELD]
  if (csrf === null || typeof given !== 'string' || !isSame(given, csrf)) {
    throw new SlipwayError('not_allowed', 'this form is too old or came from another site', {
      remedy: 'Load the page again.',
    })
  }
}

/** A browser always names the origin of an unsafe request; a program may leave it out and has no cookie by accident. */
export function requireOwnOrigin(context: Context, baseUrl: string): void {
  const origin = context.req.header('origin')
  if (origin === undefined || origin === new URL(baseUrl).origin) return
  if (URL.canParse(origin) && new URL(origin).host === context.req.header('host')) return
  throw new SlipwayError('not_allowed', 'this request came from another site')
}

/** Sends a person to the log-in and back; a script is told that it needs one. */
export function toLogin(context: Context<WebEnv>): Response {
  const wantsPage = !isUnsafe(context) && !/event-stream|json/.test(context.req.header('accept') ?? '')
  if (!wantsPage) throw new SlipwayError('not_authenticated', 'log in first')
  const { pathname, search } = new URL(context.req.url)
  return context.redirect(`/login?next=${encodeURIComponent(pathname + search)}`)
}

function isUnsafe(context: Context): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(context.req.method)
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
