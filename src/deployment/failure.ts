import { ERROR_TABLE, errorCode, errorMessage } from '../core/errors.ts'
import type { FailureKind, RollFailure } from './release.ts'

export function failureOf(kind: FailureKind, cause: string): RollFailure {
  return { kind, cause, exitCode: null, logTail: [] }
}

/** What the user or the host did wrong ends the deployment; what is ours, or passes by itself, is thrown on and tried again. */
export function usersFault(thrown: unknown, kind: FailureKind): RollFailure {
  const code = errorCode(thrown)
  const { fault } = ERROR_TABLE[code]
  if (code === 'cancelled' || fault === 'slipway' || fault === 'github' || code === 'host_unreachable') throw thrown
  return failureOf(code === 'timed_out' ? 'timed_out' : kind, errorMessage(thrown))
}
