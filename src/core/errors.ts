/**
 * The one table of errors. A code says three things at once: what an HTTP client is answered, how a check run ends,
 * and whose fault it was, so that a contributor is never told that their commit failed when a disk was full.
 */

/** Who has to act: the person who sent the input, the admin's Docker host, GitHub, or Slipway itself. */
export type Fault = 'user' | 'host' | 'github' | 'slipway'

interface ErrorKind {
  readonly status: number
  readonly conclusion: 'failure' | 'timed_out' | 'cancelled' | 'action_required'
  readonly fault: Fault
  /** One sentence on when this code is used; the table in the API's documentation is made from it. */
  readonly meaning: string
}

const kind = (status: number, fault: Fault, conclusion: ErrorKind['conclusion'], meaning: string): ErrorKind => ({
  status,
  fault,
  conclusion,
  meaning,
})

export const ERROR_TABLE = {
  setting_invalid: kind(500, 'user', 'failure', 'an environment variable has a value that is not allowed'),
  config_invalid: kind(422, 'user', 'failure', 'slipway.yml or server.yml breaks its schema'),
  request_invalid: kind(422, 'user', 'failure', 'a field of the request is missing or wrong'),
  body_not_json: kind(400, 'user', 'failure', 'the body of the request cannot be read'),
  body_too_large: kind(413, 'user', 'failure', 'the body of the request is larger than the limit'),
  media_type_unsupported: kind(415, 'user', 'failure', 'the content type of the request is not one that is understood'),
  signature_invalid: kind(401, 'user', 'failure', 'the signature of a webhook is missing or wrong'),
  not_authenticated: kind(401, 'user', 'failure', 'no valid credentials came with the request'),
  not_allowed: kind(403, 'user', 'failure', 'the caller may not do this'),
  not_found: kind(404, 'user', 'failure', 'the thing does not exist or the caller may not see it'),
  conflict: kind(409, 'user', 'failure', 'the state of the thing does not allow this now'),
  too_many_requests: kind(429, 'user', 'failure', 'too many attempts in a short time'),
  range_not_satisfiable: kind(416, 'user', 'failure', 'the requested range lies outside the content'),
  approval_needed: kind(409, 'user', 'action_required', 'a person with write permission has to approve first'),
  image_build_failed: kind(422, 'user', 'failure', 'a step of a Dockerfile failed'),
  step_failed: kind(422, 'user', 'failure', 'a step ended with an exit code that does not count as success'),
  timed_out: kind(504, 'user', 'timed_out', 'the work took longer than its limit'),
  out_of_memory: kind(422, 'user', 'failure', 'the kernel ended a container at its memory limit'),
  no_space: kind(507, 'host', 'failure', 'a disk is full'),
  cancelled: kind(409, 'user', 'cancelled', 'a person or a newer commit ended the work'),
  host_unreachable: kind(503, 'host', 'failure', 'a Docker host does not answer'),
  host_refused: kind(502, 'host', 'failure', 'a Docker host answered with an error'),
  github_unavailable: kind(503, 'github', 'failure', 'GitHub does not answer or refuses for now'),
  github_refused: kind(502, 'github', 'failure', 'GitHub refuses the request for good'),
  database_unavailable: kind(503, 'slipway', 'failure', 'the database does not answer'),
  server_unreachable: kind(503, 'slipway', 'failure', 'the command line gets no answer it understands from the server'),
  lease_lost: kind(409, 'slipway', 'failure', 'another process has taken the work over; the write was refused'),
  shutting_down: kind(503, 'slipway', 'failure', 'the process is stopping and takes no new work'),
  not_configured: kind(404, 'user', 'failure', 'the feature is switched off by the configuration'),
  internal: kind(500, 'slipway', 'failure', 'a fault of Slipway itself'),
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERROR_TABLE

export interface SlipwayErrorOptions {
  readonly cause?: unknown
  /** The field, variable or file position that is wrong, for clients that show it beside the input. */
  readonly field?: string
  /** What to do about it, one sentence. */
  readonly remedy?: string
}

/** Thrown for what the immediate caller cannot act on. Expected outcomes are data, not errors. */
export class SlipwayError extends Error {
  override readonly name = 'SlipwayError'
  readonly code: ErrorCode
  readonly field: string | undefined
  readonly remedy: string | undefined

  constructor(code: ErrorCode, message: string, options: SlipwayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.field = options.field
    this.remedy = options.remedy
  }

  /** For a terminal: what is wrong, then what to do about it. */
  get advice(): string {
    return this.remedy === undefined ? this.message : `${this.message.replace(/[.:;]?$/, '.')} ${this.remedy}`
  }

  get status(): number {
    return ERROR_TABLE[this.code].status
  }

  get fault(): Fault {
    return ERROR_TABLE[this.code].fault
  }
}

/** Whatever was thrown, as one line that may be shown in a log. */
export function errorMessage(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message === '' ? thrown.name : thrown.message
  return String(thrown)
}

/** The code of a thrown value; anything that is not ours counts as a fault of Slipway. */
export function errorCode(thrown: unknown): ErrorCode {
  return thrown instanceof SlipwayError ? thrown.code : 'internal'
}
