/**
 * Logging in and out. With GitHub: the state and the PKCE verifier travel in a sealed cookie of ten minutes, so nothing
 * is kept for log-ins that never end, and a code is only good for the browser that asked for it. With a token: the right
 * one opens a session, wrong ones are counted by address.
 */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { z } from 'zod'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { createPageRouter, requireOwnOrigin, type Guard } from './guard.ts'
import { LoginPage } from './login-page.tsx'
import type { AuditBook, CheckToken, Sealer } from './ports.ts'
import { setSecurityHeaders } from './security-headers.ts'
import { sessionOf } from './session.ts'
import type { Sessions } from './sessions.ts'
import type { GitHubLogin } from './github-login.ts'

/** People mistype; programs guess. By address and minute. */
const TRIES_PER_MINUTE = 10
const FLOW_COOKIE = 'slipway_login'
const FLOW_SECONDS = 600
const FLOW_CONTEXT = 'github login'
const LONGEST_TOKEN = 512

export interface LoginDeps {
  readonly guard: Guard
  readonly sessions: Sessions
  /** Null: OAuth is not configured. Asked each time, the set-up page may bring it. */
  readonly gitHub: () => GitHubLogin | null
  readonly checkToken: CheckToken
  readonly addressOf: (context: Context) => string
  readonly sealer: Sealer
  readonly audit: AuditBook
  readonly baseUrl: string
  readonly logger: Logger
}

const flowShape = z.object({ state: z.string(), verifier: z.string(), next: z.string() })

export function createLoginRoutes(deps: LoginDeps) {
  const routes = createPageRouter(deps.logger)
  const tries = new RateLimiterMemory({ points: TRIES_PER_MINUTE, duration: 60 })
  const isSecure = deps.baseUrl.startsWith('https:')
  const flowCookie = { httpOnly: true, secure: isSecure, sameSite: 'Lax', path: '/login' } as const

  routes.get('/login', deps.guard.open, (context) => page(context, null))

  routes.post('/login', async (context) => {
    requireOwnOrigin(context, deps.baseUrl)
    const answer = await logInWithToken(context)
    setSecurityHeaders(context)
    return answer
  })

  routes.get('/login/github', deps.guard.open, async (context) => {
    const gitHub = deps.gitHub()
    if (gitHub === null) throw new SlipwayError('not_configured', 'log-in with GitHub is not configured')
    const { address, state, verifier } = await gitHub.begin()
    const flow = JSON.stringify({ state, verifier, next: localPath(context.req.query('next')) })
    setCookie(context, FLOW_COOKIE, Buffer.from(deps.sealer.seal(flow, FLOW_CONTEXT)).toString('base64url'), {
      ...flowCookie,
      maxAge: FLOW_SECONDS,
    })
    return context.redirect(address)
  })

  routes.get('/login/callback', deps.guard.open, async (context) => {
    const gitHub = deps.gitHub()
    const flow = readFlow(getCookie(context, FLOW_COOKIE))
    deleteCookie(context, FLOW_COOKIE, flowCookie)
    if (gitHub === null || flow === null) return page(context, 'The log-in took too long. Please try again.')
    const outcome = await gitHub.finish(new URL(context.req.url), flow)
    if (outcome.kind === 'refused') {
      deps.logger.info({ cause: outcome.cause }, 'a log-in with GitHub was refused')
      return page(context, 'GitHub did not confirm the log-in. Please try again.')
    }
    await deps.sessions.begin(context, { kind: 'github', login: outcome.login })
    await deps.audit.write({
      actor: outcome.login,
      action: 'session.begin',
      subject: `login:${outcome.login}`,
      detail: { with: 'github' },
    })
    return context.redirect(flow.next)
  })

  routes.post('/logout', deps.guard.signedIn, async (context) => {
    const { actor } = sessionOf(context)
    await deps.sessions.end(context)
    await deps.audit.write({ actor, action: 'session.end', subject: `login:${actor}` })
    return context.redirect('/login', 303)
  })
  return routes

  async function logInWithToken(context: Context): Promise<Response> {
    const address = deps.addressOf(context)
    const isAllowed = await tries.consume(address).then(
      () => true,
      () => false,
    )
    if (!isAllowed) return page(context, 'Too many attempts from this address. Please wait a minute.', 429)
    const form = await context.req.parseBody()
    const token = typeof form['token'] === 'string' ? form['token'].trim().slice(0, LONGEST_TOKEN) : ''
    const answer = await deps.checkToken(`Bearer ${token}`, address)
    if (answer.kind === 'limited')
      return page(context, 'Too many attempts from this address. Please wait a minute.', 429)
    if (answer.kind === 'refused') return page(context, 'This token is not valid.', 401)
    const { actor, scope } = answer.identity
    if (scope !== 'admin')
      return page(context, `This token has the scope ${scope}; pages open with one of scope admin.`, 403)
    await deps.sessions.begin(context, { kind: 'token', actor, token })
    await deps.audit.write({ actor, action: 'session.begin', subject: `login:${actor}`, detail: { with: 'token' } })
    return context.redirect(localPath(typeof form['next'] === 'string' ? form['next'] : undefined), 303)
  }

  async function page(
    context: Context,
    problem: string | null,
    status: 200 | 401 | 403 | 429 = 200,
  ): Promise<Response> {
    const next = localPath(context.req.query('next'))
    return await context.html(<LoginPage hasGitHub={deps.gitHub() !== null} next={next} problem={problem} />, status)
  }

  function readFlow(cookie: string | undefined): z.output<typeof flowShape> | null {
    if (cookie === undefined) return null
    try {
      return flowShape.parse(JSON.parse(deps.sealer.open(Buffer.from(cookie, 'base64url'), FLOW_CONTEXT)))
    } catch (error) {
      deps.logger.info({ cause: errorMessage(error) }, 'a cookie of a log-in was not ours')
      return null
    }
  }
}

/** Only to a page of ours: `//elsewhere` and `/\elsewhere` are other hosts to a browser. */
export function localPath(wanted: string | undefined): string {
  if (wanted === undefined || !/^\/(?![/\\])/.test(wanted)) return '/'
  const url = new URL(wanted, 'http://slipway.invalid')
  return url.host === 'slipway.invalid' ? url.pathname + url.search + url.hash : '/'
}
