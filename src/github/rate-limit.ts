/** When an answer of GitHub is a rate limit, and for how long it lasts. Pure. */

/** GitHub's advice where it gives none itself. */
const DEFAULT_LIMIT_WAIT_MS = 60_000
/** The window of a primary limit starts at a whole second of GitHub's clock. */
const SHORTEST_RESET_MS = 1_000

/**
 * Milliseconds in which nothing may be sent, null when it is no rate limit.
 * @param now milliseconds since the epoch, for `x-ratelimit-reset`
 */
export function limitWaitMs(
  status: number,
  message: string,
  headers: Readonly<Record<string, unknown>>,
  now: number,
): number | null {
  const isLimit = status === 429 || (status === 403 && isRateLimit(message, headers))
  if (!isLimit) return null
  const retryAfter = Number(headers['retry-after'])
  if (Number.isFinite(retryAfter) && retryAfter >= 0) return retryAfter * 1000
  const reset = Number(headers['x-ratelimit-reset'])
  const isPrimary = headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset)
  return isPrimary ? Math.max(SHORTEST_RESET_MS, reset * 1000 - now) : DEFAULT_LIMIT_WAIT_MS
}

function isRateLimit(message: string, headers: Readonly<Record<string, unknown>>): boolean {
  return /rate limit/i.test(message) || headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined
}
