/** Faults that the control API plants: what the network and GitHub do to a client on a bad day. */

export interface WebhookFault {
  /**
   * `lose`: the attempt fails and GitHub's list of deliveries says so; `drop`: no trace of it anywhere; `duplicate`: sent
   * twice under one GUID; `delay`: sent `milliseconds` later; `hold`: kept until released by the control API;
   * `bad_signature`: signed with another secret.
   */
  readonly kind: 'lose' | 'drop' | 'duplicate' | 'delay' | 'hold' | 'bad_signature'
  /** Only this event; every event when absent. */
  readonly event: string | undefined
  readonly action: string | undefined
  readonly milliseconds: number
  /** How many deliveries are still to be hit. */
  remaining: number
}

export interface RestFault {
  /**
   * `status`: answered with `status`, nothing done; `secondary`: 403 of the secondary limit, with `retry-after` when
   * `retryAfter` is given; `primary`: 403 with nothing remaining; `delay`: done `milliseconds` later; `reset`: connection
   * cut, nothing done; `lost_answer`: done, and the connection cut before the answer.
   */
  readonly kind: 'status' | 'secondary' | 'primary' | 'delay' | 'reset' | 'lost_answer'
  /** Of the REST API, or `git` for fetches and pushes, which know `status`, `delay` and `reset`. */
  readonly operation: string | undefined
  readonly method: string | undefined
  readonly path: RegExp | undefined
  readonly status: number
  readonly retryAfter: number | undefined
  readonly milliseconds: number
  remaining: number
}

/** Takes the first fault that fits, and uses it up by one. */
export function takeWebhookFault(
  faults: readonly WebhookFault[],
  event: string,
  action: string | null,
): WebhookFault | undefined {
  const fault = faults.find(
    ({ remaining, event: only, action: onlyAction }) =>
      remaining > 0 && (only === undefined || only === event) && (onlyAction === undefined || onlyAction === action),
  )
  if (fault !== undefined) fault.remaining -= 1
  return fault
}

/** Git is only hit by faults that name it: one planted for the whole REST API leaves fetches alone. */
export function takeRestFault(
  faults: readonly RestFault[],
  call: { method: string; path: string; operation: string | undefined },
): RestFault | undefined {
  const fault = faults.find(
    ({ remaining, operation, method, path }) =>
      remaining > 0 &&
      (operation === undefined ? call.operation !== 'git' : operation === call.operation) &&
      (method === undefined || method === call.method) &&
      (path === undefined || path.test(call.path)),
  )
  if (fault !== undefined) fault.remaining -= 1
  return fault
}
