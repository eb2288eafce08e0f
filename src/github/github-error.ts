/** Failures of GitHub, told apart by what can be done: wait, try again, or give up. */
import { RequestError } from '@octokit/request-error'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import { limitWaitMs } from './rate-limit.ts'

export type GitHubFailure =
  /** A primary or secondary rate limit: nothing may be sent before `waitMs` is over. */
  | { readonly kind: 'limited'; readonly waitMs: number; readonly message: string }
  /** It may work later: 5xx, resets, time-outs. The request may have had its effect. */
  | {
      readonly kind: 'unavailable'
      readonly message: string
      /** GitHub answered, or was never reached: nothing of the request is still under way. */
      readonly isOver: boolean
    }
  /** It will not work: `status` says why. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }

/** @param now milliseconds since the epoch, for `x-ratelimit-reset` */
export function classifyGitHubFailure(error: unknown, now: number): GitHubFailure {
  const request = requestErrorOf(error)
  if (request === null) return { kind: 'unavailable', message: errorMessage(error), isOver: wasNeverSent(error) }
  const { status, message } = request
  const headers = request.response?.headers ?? {}
  const waitMs = limitWaitMs(status, message, headers, now)
  if (waitMs !== null) return { kind: 'limited', waitMs, message }
  // Octokit reports failures of the connection itself as status 500.
  if (status >= 500)
    return { kind: 'unavailable', message, isOver: request.response !== undefined || wasNeverSent(error) }
  // A token that ended early, or a key that is being replaced: the next call asks for a new token.
  if (status === 401) return { kind: 'unavailable', message, isOver: true }
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

const NEVER_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

function wasNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && typeof error.code === 'string') return NEVER_SENT.includes(error.code)
  return wasNeverSent(error.cause)
}

function requestErrorOf(error: unknown): RequestError | null {
  if (error instanceof RequestError) return error
  return error instanceof Error && error.cause instanceof RequestError ? error.cause : null
}
