/** How long to wait before a job is tried again, by cause. Pure. */
import type { Fault } from './errors.ts'

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 5 * 60_000
/** With doubling delays this is about half an hour of trying. */
export const MAX_ATTEMPTS = 12
/** A job under which three processes died is a poison job. */
export const MAX_DEATHS = 3

/**
 * Doubling delays with jitter between half and the whole of each step, so that a thousand jobs that failed together
 * do not come back together.
 * @param random a number in [0, 1)
 */
export function retryDelayMs(attempts: number, random: number): number {
  const step = Math.min(FIRST_DELAY_MS * 2 ** Math.min(attempts, 20), LONGEST_DELAY_MS)
  return Math.round(step / 2 + (step / 2) * random)
}

/** Faults of hosts and of GitHub pass by themselves; they are retried without counting as the job's own failure. */
export function countsAsAttempt(fault: Fault, code: string): boolean {
  return code !== 'database_unavailable' && fault !== 'github'
}
