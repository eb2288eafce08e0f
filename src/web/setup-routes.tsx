/**
 * Creating the GitHub App. The address with the one-time token was printed at start; it opens the page with the button.
 * The browser that pressed it carries a sealed state, and only with that state a code of GitHub is taken. As soon as the
 * app exists, nothing here answers any more.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { createPageRouter } from './guard.ts'
import type { AuditBook, Sealer } from './ports.ts'
import { setSecurityHeaders } from './security-headers.ts'
import { SetupDonePage, SetupPage, SetupTokenPage } from './setup-page.tsx'

/** GitHub gives an hour for all three steps. */
const STATE_SECONDS = 3_600
const STATE_COOKIE = 'slipway_setup'
const STATE_CONTEXT = 'set-up state'
const TRIES_PER_MINUTE = 20

export interface SetupDeps {
  readonly isConfigured: () => boolean
  /** SHA-256 of the one-time token, null when there is none any more. */
  readonly tokenHash: () => Promise<Uint8Array | null>
  readonly manifest: Readonly<Record<string, unknown>>
  readonly permissions: readonly (readonly [string, string])[]
  readonly webUrl: string
  readonly baseUrl: string
  /** GitHub reaches us by another way, smee. */
  readonly hasProxy: boolean
  /** Turns the code into credentials, keeps them and lets them take effect. */
  readonly adopt: (code: string) => Promise<{ readonly name: string; readonly htmlUrl: string }>
  readonly addressOf: (context: Context) => string
  readonly sealer: Sealer
  readonly audit: AuditBook
  readonly logger: Logger
}

export function createSetupRoutes(deps: SetupDeps) {
  const routes = createPageRouter(deps.logger)
  const tries = new RateLimiterMemory({ points: TRIES_PER_MINUTE, duration: 60 })
  const cookie = { httpOnly: true, secure: deps.baseUrl.startsWith('https:'), sameSite: 'Lax', path: '/setup' } as const

  routes.get('/setup', async (context) => {
    const answer = await begin(context)
    setSecurityHeaders(context, deps.webUrl)
    return answer
  })
  routes.get('/setup/callback', async (context) => {
    const answer = await finish(context)
    setSecurityHeaders(context)
    return answer
  })
  return routes

  async function begin(context: Context): Promise<Response> {
    if (deps.isConfigured()) return context.redirect('/')
    const token = context.req.query('token')
    if (token === undefined) return await context.html(<SetupTokenPage problem={null} />)
    await tries.consume(deps.addressOf(context)).catch(() => {
      throw new SlipwayError('too_many_requests', 'too many set-up tokens were tried; wait a minute')
    })
    if (!(await isRight(token)))
      return await context.html(<SetupTokenPage problem="This is not the set-up token." />, 401)
    const state = randomBytes(24).toString('base64url')
    setCookie(context, STATE_COOKIE, Buffer.from(deps.sealer.seal(state, STATE_CONTEXT)).toString('base64url'), {
      ...cookie,
      maxAge: STATE_SECONDS,
    })
    context.header('cache-control', 'no-store')
    const { webUrl, manifest, permissions } = deps
    return await context.html(<SetupPage view={{ webUrl, manifest, permissions, state, warning: warningOf(deps) }} />)
  }

  async function finish(context: Context): Promise<Response> {
    if (deps.isConfigured()) return context.redirect('/')
    const { code, state } = context.req.query()
    const expected = openState(getCookie(context, STATE_COOKIE))
    deleteCookie(context, STATE_COOKIE, cookie)
    if (
      code === undefined ||
      state === undefined ||
      expected === null ||
      !isSame(Buffer.from(state), Buffer.from(expected))
    ) {
      throw new SlipwayError('not_allowed', 'this set-up was not begun in this browser, or took longer than an hour', {
        remedy: 'Open the set-up page again.',
      })
    }
    const app = await deps.adopt(code)
    await deps.audit.write({ actor: 'set-up', action: 'app.create', subject: `app:${app.name}` })
    return await context.html(<SetupDonePage name={app.name} installUrl={`${app.htmlUrl}/installations/new`} />)
  }

  async function isRight(token: string): Promise<boolean> {
    const hash = await deps.tokenHash()
    return hash !== null && isSame(createHash('sha256').update(token).digest(), Buffer.from(hash))
  }

  function openState(value: string | undefined): string | null {
    if (value === undefined) return null
    try {
      return deps.sealer.open(Buffer.from(value, 'base64url'), STATE_CONTEXT)
    } catch (error) {
      deps.logger.info({ cause: errorMessage(error) }, 'a cookie of the set-up was not ours')
      return null
    }
  }
}

function warningOf({ baseUrl, hasProxy }: SetupDeps): string | null {
  const isLocal = /^(localhost|127\.|\[::1\]|10\.|192\.168\.)/.test(new URL(baseUrl).host)
  if (!isLocal || hasProxy) return null
  return `GitHub cannot reach ${baseUrl}. Set BASE_URL to the public address, or WEBHOOK_PROXY_URL to a channel of smee.io, and start again.`
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
