/**
 * Who calls the API. Tokens are compared by SHA-256 in constant time, the header is matched whole, and nothing is open
 * because something is unset. Guessing is slowed by address: a wrong token counts, a missing one does not, because it
 * guesses nothing.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { TokenScope } from '../config/server-config.ts'
import { reveal, type Secret } from '../core/secret.ts'

/** Wrong tokens from one address a minute. Every runner of a company may share one address, so this is generous. */
const FAILURES_PER_MINUTE = 100
/** A token that was found valid stays so for this long without asking the database: revoking takes effect within it. */
const REMEMBERED_MS = 1_000
const MAX_REMEMBERED = 1_000
const BEARER = /^Bearer ([!-~]{1,512})$/

export interface Identity {
  /** For the records: `token:NAME`, or the name of the variable that holds the token. */
  readonly actor: string
  readonly scope: TokenScope
  /** Null: every pool. */
  readonly pools: readonly string[] | null
  readonly organization: string | null
}

export type Authentication =
  | { readonly kind: 'ok'; readonly identity: Identity }
  | { readonly kind: 'refused' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number }

export interface KnownToken {
  readonly name: string
  readonly scope: TokenScope
  readonly pools: readonly string[] | null
  readonly organization: string | null
}

export interface AuthenticateDeps {
  readonly findByHash: (hash: Uint8Array) => Promise<KnownToken | null>
  /** `ADMIN_TOKEN` */
  readonly adminToken: Secret | null
  /** `POS_CI_REPO_ACCESS_TOKEN`: a token of the pool API. */
  readonly poolToken: Secret | null
  readonly now: () => number
}

/** @param authorization the header as it came @param address of the other end of the connection */
export type Authenticate = (authorization: string | undefined, address: string) => Promise<Authentication>

export function createAuthenticate(deps: AuthenticateDeps): Authenticate {
  const fixed = fixedTokens(deps)
  const failures = new RateLimiterMemory({ points: FAILURES_PER_MINUTE, duration: 60 })
  const remembered = new Map<string, { readonly identity: Identity; readonly until: number }>()

  async function identify(token: string): Promise<Identity | null> {
    const hash = createHash('sha256').update(token).digest()
    const own = fixed.find((candidate) => timingSafeEqual(candidate.hash, hash))
    if (own !== undefined) return own.identity
    const key = hash.toString('base64')
    const known = remembered.get(key)
    if (known !== undefined && known.until > deps.now()) return known.identity
    remembered.delete(key)
    const found = await deps.findByHash(hash)
    if (found === null) return null
    const identity = {
      actor: `token:${found.name}`,
      scope: found.scope,
      pools: found.pools,
      organization: found.organization,
    }
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.set(key, { identity, until: deps.now() + REMEMBERED_MS })
    return identity
  }

  return async (authorization, address) => {
    const token = bearerToken(authorization)
    if (token === null) return { kind: 'refused' }
    const spent = await failures.get(address)
    if (spent !== null && spent.consumedPoints >= FAILURES_PER_MINUTE) return limited(spent)
    const identity = await identify(token)
    if (identity !== null) return { kind: 'ok', identity }
    const answer = await failures.consume(address).catch((refusal: unknown) => refusal)
    return answer instanceof RateLimiterRes && answer.consumedPoints > FAILURES_PER_MINUTE
      ? limited(answer)
      : { kind: 'refused' }
  }
}

/** The token of `Authorization: Bearer TOKEN`, null for anything else. The scheme is written exactly so. */
export function bearerToken(authorization: string | undefined): string | null {
  return BEARER.exec(authorization ?? '')?.[1] ?? null
}

/** An admin may do everything; reading is part of every scope. */
export function mayUse(identity: Identity, scope: TokenScope): boolean {
  return identity.scope === 'admin' || identity.scope === scope || scope === 'read'
}

export function mayUsePool(identity: Identity, pool: string): boolean {
  return identity.pools === null || identity.pools.includes(pool)
}

function fixedTokens(deps: AuthenticateDeps): readonly { readonly hash: Buffer; readonly identity: Identity }[] {
  const of = (token: Secret | null, actor: string, scope: TokenScope) => {
    // An empty variable must not make an empty token valid.
    if (token === null || reveal(token) === '') return []
    const hash = createHash('sha256').update(reveal(token)).digest()
    return [{ hash, identity: { actor, scope, pools: null, organization: null } }]
  }
  return [...of(deps.adminToken, 'ADMIN_TOKEN', 'admin'), ...of(deps.poolToken, 'POS_CI_REPO_ACCESS_TOKEN', 'pool')]
}

function limited(state: RateLimiterRes): Authentication {
  return { kind: 'limited', retryAfterSeconds: Math.max(1, Math.ceil(state.msBeforeNext / 1000)) }
}
