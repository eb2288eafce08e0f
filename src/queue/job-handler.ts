/** What does one kind of job, and what it may answer. */
import type { ClaimedJob } from './ports.ts'

export type JobOutcome =
  | { readonly kind: 'done' }
  /** Waiting that is nobody's fault, e.g. for GitHub's rate limit. */
  | { readonly kind: 'wait'; readonly delayMs: number; readonly cause: string }
  /** It failed and may work later; counts towards the limit of attempts. */
  | { readonly kind: 'retry'; readonly cause: string; readonly delayMs?: number }
  /** It will never work without a person. */
  | { readonly kind: 'park'; readonly cause: string }

export const DONE: JobOutcome = { kind: 'done' }

export interface JobHandler {
  /**
   * Does the work. `signal` aborts when the lease is lost or the process must end: stop at once and write nothing;
   * whoever has the next lease continues from the database.
   */
  handle(job: ClaimedJob, signal: AbortSignal): Promise<JobOutcome>
  /** The job was given up (attempts used up, or three processes died of it): tell the people who wait for it. */
  onParked?(payload: Readonly<Record<string, unknown>>, cause: string): Promise<void>
}

export type JobHandlers = Readonly<Record<string, JobHandler>>
