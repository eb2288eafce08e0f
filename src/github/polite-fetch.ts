/**
 * `fetch` with a limit, which keeps quiet while GitHub has said to: calls during a rate limit make it longer and may get
 * the app blocked. The writes of the outbox know about limits from the database; this is for everything that reads, and
 * it answers in GitHub's place, so that callers see one kind of refusal.
 */
import { within } from '../core/deadline.ts'
import { limitWaitMs } from './rate-limit.ts'

/** @param timeoutMs after this a call has failed, whatever its caller wanted */
export function politeFetch(timeoutMs: number): typeof fetch {
  let quietUntil = 0
  return async (input, init = {}) => {
    const quietMs = quietUntil - Date.now()
    if (quietMs > 0) return refusal(quietMs)
    const response = await fetch(input, {
      ...init,
      signal: init.signal == null ? within(timeoutMs) : within(timeoutMs, init.signal),
    })
    if (response.status === 403 || response.status === 429) {
      const message = await response.clone().text()
      const waitMs = limitWaitMs(response.status, message, Object.fromEntries(response.headers), Date.now())
      if (waitMs !== null) quietUntil = Date.now() + waitMs
    }
    return response
  }
}

function refusal(waitMs: number): Response {
  return Response.json(
    { message: 'GitHub asked to wait before the next call (rate limit)' },
    { status: 429, headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) } },
  )
}
