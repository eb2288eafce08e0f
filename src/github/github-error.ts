/** Failures of GitHub, told apart by what can be done: wait, try again, or give up. */
import { RequestError } from '@octokit/request-error'
import { errorMessage, SlipwayError } from '../core/errors.ts'

/** GitHub's advice where it gives none itself. */
const DEFAULT_LIMIT_WAIT_MS = 60_000

export type GitHubFailure =
  /** A primary or secondary rate limit: nothing may be sent before `waitMs` is over. */
  | { readonly kind: 'limited'; readonly waitMs: number; readonly message: string }
  /** It may work later: 5xx, resets, time-outs. The request may have had its effect. */
  | { readonly kind: 'unavailable'; readonly message: string }
  /** It will not work: `status` says why. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }

/** @param now milliseconds since the epoch, for `x-ratelimit-reset` */
export function classifyGitHubFailure(error: unknown, now: number): GitHubFailure {
  const request = requestErrorOf(error)
  if (request === null) return { kind: 'unavailable', message: errorMessage(error) }
  const { status, message } = request
  const headers = request.response?.headers ?? {}
  const retryAfter = Number(headers['retry-after'])
  if (status === 429 || (status === 403 && isRateLimit(message, headers))) {
    if (Number.isFinite(retryAfter) && retryAfter >= 0) return { kind: 'limited', waitMs: retryAfter * 1000, message }
    const reset = Number(headers['x-ratelimit-reset'])
    const isPrimary = headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset)
    return { kind: 'limited', waitMs: isPrimary ? Math.max(1000, reset * 1000 - now) : DEFAULT_LIMIT_WAIT_MS, message }
  }
  // Octokit reports failures of the connection itself as status 500.
  if (status >= 500) return { kind: 'unavailable', message }
  return { kind: 'refused', status, message }
}

export function asGitHubError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error
  const failure = classifyGitHubFailure(error, Date.now())
  if (failure.kind !== 'refused') {
    return new SlipwayError('github_unavailable', `GitHub does not answer: ${failure.message}`, { cause: error })
  }
  const code = failure.status === 404 ? 'not_found' : 'github_refused'
  return new SlipwayError(code, `GitHub refuses: ${failure.message}`, { cause: error })
}

function requestErrorOf(error: unknown): RequestError | null {
  if (error instanceof RequestError) return error
  return error instanceof Error && error.cause instanceof RequestError ? error.cause : null
}

function isRateLimit(message: string, headers: Readonly<Record<string, unknown>>): boolean {
  return /rate limit/i.test(message) || headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined
}
