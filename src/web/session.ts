/** Who looks at a page. `guard.ts` finds it out before a handler runs. */
import type { Context } from 'hono'
import { SlipwayError } from '../core/errors.ts'

export interface Session {
  /** For the records: a GitHub login, or `token:NAME` when an admin's token opened the page. */
  readonly actor: string
  /** GitHub login; null when a token opened the page. */
  readonly login: string | null
  readonly isAdmin: boolean
  /** Must come back with every unsafe request. Null for a token in a header, which may only read. */
  readonly csrf: string | null
}

export interface WebEnv {
  readonly Variables: { session: Session | null }
}

/** The session of a handler behind `guard.signedIn` or `guard.admin`. */
export function sessionOf(context: Context<WebEnv>): Session {
  const session = visitorOf(context)
  if (session === null) throw new SlipwayError('not_authenticated', 'log in first')
  return session
}

/** The same behind `guard.open`, where nobody need be logged in. */
export function visitorOf(context: Context<WebEnv>): Session | null {
  return context.get('session') ?? null
}
