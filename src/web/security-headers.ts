/** What a browser may do with our pages: load from us, send forms to us, and nothing else. */
import type { Context } from 'hono'

const POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'frame-ancestors': ["'none'"],
} as const

/** @param formAction another origin that a form of this page goes to */
export function setSecurityHeaders(context: Context, formAction?: string): void {
  const { headers } = context.res
  if (headers.has('content-security-policy')) return
  const policy = Object.entries(POLICY).map(([directive, sources]) =>
    [directive, ...sources, ...(directive === 'form-action' && formAction !== undefined ? [formAction] : [])].join(' '),
  )
  headers.set('content-security-policy', policy.join('; '))
  headers.set('x-content-type-options', 'nosniff')
  headers.set('x-frame-options', 'DENY')
  // Not "no-referrer": that would turn the Origin of our own forms into null.
  headers.set('referrer-policy', 'same-origin')
  headers.set('cross-origin-opener-policy', 'same-origin')
  if (!headers.has('cache-control')) headers.set('cache-control', 'private, no-cache')
}
