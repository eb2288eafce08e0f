/** What is told when a pool has no history yet: half of the default reservation. */
const UNKNOWN_HOLD_SHARE = 0.5
/** `Retry-After` never sends a client away for longer: an instance may be released at any moment. */
const LONGEST_RETRY_AFTER_MS = 60_000

export interface PoolPace {
  /** Instances that are handed out at all: neither draining nor quarantined. */
  readonly capacity: number
  /** Median of the last holds, null when there were none. */
  readonly medianHoldMs: number | null
  readonly defaultTimeoutMs: number
}

/**
 * How long the one at `place` (1 is next) will wait, when holds end at the pace they did: of `capacity` instances one
 * becomes free every `median / capacity`. Null when no instance is handed out.
 */
export function estimateWaitMs(place: number, pace: PoolPace): number | null {
  if (pace.capacity === 0) return null
  const hold = pace.medianHoldMs ?? pace.defaultTimeoutMs * UNKNOWN_HOLD_SHARE
  return Math.round((place * hold) / pace.capacity)
}

/** Whole seconds for `Retry-After`: until the next reservation is due, at least 1 and at most a minute. */
export function retryAfterSeconds(untilNextEndMs: number | null): number {
  const wait = Math.min(Math.max(untilNextEndMs ?? LONGEST_RETRY_AFTER_MS, 1000), LONGEST_RETRY_AFTER_MS)
  return Math.ceil(wait / 1000)
}
