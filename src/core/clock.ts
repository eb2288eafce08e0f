/**
 * Time as a port. `now` is for stamps that people read; anything that decides about a lease or an expiry
 * asks the database's clock instead, because two processes never agree on theirs.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds that never jump, for durations. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}
