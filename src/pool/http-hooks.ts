/** Asks an instance for its health, and a cleaning hook for its work, over HTTP. `fetch` comes from outside. */
import { errorMessage } from '../core/errors.ts'
import type { HealthProbe } from './ports.ts'

export function createHttpProbe(fetchUrl: typeof fetch): HealthProbe {
  return {
    check: (domain, health, signal) =>
      attempt(health.timeoutMs, signal, async (deadline) => {
        const url = new URL(health.path, `https://${domain}`)
        const answer = await fetchUrl(url, { signal: deadline, redirect: 'manual' })
        await answer.body?.cancel()
        return answer.status < 400 ? null : `${health.path} answered ${answer.status}`
      }),
  }
}

/** Null when the hook answered 2xx, else the cause. */
export function createHookCaller(fetchUrl: typeof fetch) {
  return (url: string, domain: string, timeoutMs: number, signal: AbortSignal): Promise<string | null> =>
    attempt(timeoutMs, signal, async (deadline) => {
      const answer = await fetchUrl(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ domain }),
        redirect: 'error',
        signal: deadline,
      })
      await answer.body?.cancel()
      return answer.ok ? null : `the cleaning hook answered ${answer.status}`
    })
}

async function attempt(
  timeoutMs: number,
  signal: AbortSignal,
  ask: (deadline: AbortSignal) => Promise<string | null>,
): Promise<string | null> {
  const limit = AbortSignal.timeout(timeoutMs)
  try {
    return await ask(AbortSignal.any([limit, signal]))
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted) return `no answer within ${timeoutMs / 1000} s`
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return errorMessage(cause)
  }
}
