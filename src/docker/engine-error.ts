import { SlipwayError, errorMessage } from '../core/errors.ts'

/**
 * What an Engine's refusal means to a caller. `refused` carries every other status: 400 for a request it does not
 * accept, 500 for anything from a full disk to a missing entrypoint.
 */
export type EngineFailure =
  | { readonly kind: 'unreachable'; readonly message: string }
  | { readonly kind: 'not_found'; readonly message: string }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'cancelled'; readonly message: string }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }

/** Wraps whatever the modem threw; HTTP statuses become our codes, everything without a status is a host that does not answer. */
export function engineError(host: string, request: string, thrown: unknown): SlipwayError {
  const status = statusOf(thrown)
  const message = plainMessage(thrown)
  if (status === undefined) {
    return new SlipwayError('host_unreachable', `Docker host ${host} does not answer: ${message}`, { cause: thrown })
  }
  const code = status === 404 ? 'not_found' : status === 409 ? 'conflict' : 'host_refused'
  return new SlipwayError(code, `Docker host ${host} refused ${request}: ${message}`, { cause: thrown })
}

/** The failure inside a thrown error of `DockerEngine`; rethrows what did not come from there. */
export function engineFailure(thrown: unknown): EngineFailure {
  if (!(thrown instanceof SlipwayError)) throw thrown
  const message = thrown.cause === undefined ? thrown.message : plainMessage(thrown.cause)
  switch (thrown.code) {
    case 'host_unreachable':
      return { kind: 'unreachable', message: thrown.message }
    case 'not_found':
      return { kind: 'not_found', message }
    case 'conflict':
      return { kind: 'conflict', message }
    case 'cancelled':
      return { kind: 'cancelled', message: thrown.message }
    case 'host_refused':
      return { kind: 'refused', status: statusOf(thrown.cause) ?? 500, message }
    default:
      throw thrown
  }
}

/** Runs a call for which "it is not there" is an answer, not an error. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (thrown) {
    if (engineFailure(thrown).kind === 'not_found') return undefined
    throw thrown
  }
}

function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return undefined
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined
}

/** The Engine's own sentence without the modem's preamble. */
function plainMessage(thrown: unknown): string {
  return errorMessage(thrown)
    .replace(/^\(HTTP code \d+\) [^-]* - /, '')
    .trim()
}
