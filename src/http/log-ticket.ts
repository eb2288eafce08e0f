/** Lets a browser open a stream, which cannot send headers: a signature over one run's id, good for a minute. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { reveal, type Secret } from '../core/secret.ts'

/** Long enough to open the connection with it; an open stream outlives it. */
const TICKET_LIFE_MS = 60_000

export interface LogTicket {
  readonly ticket: string
  readonly expiresAt: Date
}

export function issueLogTicket(key: Secret, runId: string, now: number): LogTicket {
  const expires = now + TICKET_LIFE_MS
  return { ticket: `${expires.toString(36)}.${signature(key, runId, expires)}`, expiresAt: new Date(expires) }
}

export function isLogTicket(key: Secret, runId: string, ticket: string, now: number): boolean {
  const [stamp = '', given = ''] = ticket.split('.')
  const expires = Number.parseInt(stamp, 36)
  if (!Number.isSafeInteger(expires) || expires < now) return false
  const expected = Buffer.from(signature(key, runId, expires))
  const actual = Buffer.from(given)
  return actual.length === expected.length && timingSafeEqual(actual, expected)
}

function signature(key: Secret, runId: string, expires: number): string {
  return createHmac('sha256', reveal(key)).update(`log ticket ${runId} ${expires}`).digest('base64url')
}
