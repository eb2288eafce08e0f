/**
 * Log-ins. The cookie holds a random value, the database its SHA-256, so that a copy of the table opens nothing. A
 * session that a token opened keeps the token sealed and is exactly as valid as it: revoking the token ends both. Who is
 * an admin is asked of the configuration at every request, never remembered.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { CheckToken, Sealer, SessionStore } from './ports.ts'
import type { Session } from './session.ts'

/** A browser that was left open is not a person. */
const IDLE_MS = 12 * 60 * 60_000
/** After a week everybody logs in again. */
const ABSOLUTE_MS = 7 * 24 * 60 * 60_000
/** 256 bits cannot be guessed. */
const RANDOM_BYTES = 32
const CREDENTIAL_CONTEXT = 'session credential'

export interface SessionsDeps {
  readonly store: SessionStore
  readonly sealer: Sealer
  readonly checkToken: CheckToken
  readonly addressOf: (context: Context) => string
  readonly isAdmin: (login: string) => boolean
  /** Cookies are bound to https where it is used. */
  readonly baseUrl: string
}

export type Visitor =
  | { readonly kind: 'github'; readonly login: string }
  | { readonly kind: 'token'; readonly actor: string; readonly token: string }

export interface Sessions {
  /** Begins a new session; an older one of the same browser ends, so that nobody can plant one. */
  begin(context: Context, visitor: Visitor): Promise<void>
  find(context: Context): Promise<Session | null>
  end(context: Context): Promise<void>
}

export function createSessions(deps: SessionsDeps): Sessions {
  const isSecure = deps.baseUrl.startsWith('https:')
  const name = isSecure ? '__Host-slipway' : 'slipway'
  const attributes = { httpOnly: true, secure: isSecure, sameSite: 'Lax', path: '/' } as const
  const idOf = (context: Context): Buffer | null => {
    const value = getCookie(context, name)
    return value === undefined ? null : createHash('sha256').update(value).digest()
  }
  const random = (): string => randomBytes(RANDOM_BYTES).toString('base64url')

  return {
    async begin(context, visitor) {
      const former = idOf(context)
      if (former !== null) await deps.store.remove(former)
      const value = random()
      const isToken = visitor.kind === 'token'
      await deps.store.create(
        createHash('sha256').update(value).digest(),
        {
          actor: isToken ? visitor.actor : visitor.login,
          csrf: random(),
          credential: isToken ? deps.sealer.seal(visitor.token, CREDENTIAL_CONTEXT) : null,
        },
        ABSOLUTE_MS,
      )
      setCookie(context, name, value, { ...attributes, maxAge: ABSOLUTE_MS / 1000 })
    },

    async find(context) {
      const id = idOf(context)
      const record = id === null ? null : await deps.store.find(id, IDLE_MS)
      if (id === null || record === null) return null
      const { actor, csrf, credential } = record
      if (credential === null) return { actor, login: actor, isAdmin: deps.isAdmin(actor), csrf }
      const token = deps.sealer.open(credential, CREDENTIAL_CONTEXT)
      const answer = await deps.checkToken(`Bearer ${token}`, deps.addressOf(context))
      if (answer.kind === 'ok' && answer.identity.scope === 'admin') return { actor, login: null, isAdmin: true, csrf }
      if (answer.kind !== 'limited') await deps.store.remove(id)
      return null
    },

    async end(context) {
      const id = idOf(context)
      if (id !== null) await deps.store.remove(id)
      deleteCookie(context, name, attributes)
    },
  }
}
