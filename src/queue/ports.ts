/** What the queue keeps its jobs in (`store/jobs.ts` implements it), and what does a job. */
import type { Lease } from '../core/lease.ts'

export interface NewJob {
  /** Which handler does it. */
  readonly kind: string
  /** At most one open job has this key. Asking again while it waits changes nothing; while it runs, it runs once more. */
  readonly key?: string
  readonly payload: Readonly<Record<string, unknown>>
  /** For fairness: jobs of different repositories take turns. */
  readonly repositoryId?: number
  /** What the job loads, e.g. `host:production`; jobs of one lane share `laneCap`. */
  readonly lane?: string
  /** Most jobs of the lane at once, over all processes. */
  readonly laneCap?: number
  /** Most jobs of the repository in that lane at once. */
  readonly repositoryCap?: number
  /** Higher goes first; 0 by default. */
  readonly priority?: number
  /** Not before this many milliseconds from now. */
  readonly delayMs?: number
}

export interface ClaimedJob {
  readonly id: string
  readonly kind: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly repositoryId: number | null
  readonly attempts: number
  /** How many processes died while they held it. */
  readonly deaths: number
  readonly lease: Lease
}

export interface JobStore {
  enqueue(jobs: readonly NewJob[]): Promise<void>
  /** Up to `limit` jobs of these kinds whose time has come, fair between repositories, within their caps. */
  claim(processId: string, kinds: readonly string[], limit: number): Promise<readonly ClaimedJob[]>
  /** The work is done: the job is gone, or ready again when someone asked for it meanwhile. */
  complete(lease: Lease): Promise<boolean>
  /** Try again after `delayMs`. `countsAsAttempt` is false for waiting that is nobody's fault. */
  retry(lease: Lease, delayMs: number, cause: string, countsAsAttempt: boolean): Promise<boolean>
  /**
   * Makes jobs of this process ready again that it does not have in hand: their claim or their end was lost with a
   * connection, and nobody else would ever take them while this process lives. Returns how many.
   */
  giveBack(processId: string, inHand: readonly string[], claimedBeforeMs: number): Promise<number>
  /** Nothing more can be done without a person. */
  park(lease: Lease, cause: string): Promise<boolean>
  /** Milliseconds until the next waiting job's time comes, null when none waits. */
  untilNext(kinds: readonly string[]): Promise<number | null>
}

export interface ProcessStore {
  register(process: { readonly id: string; readonly machine: string; readonly pid: number }): Promise<void>
  markStopping(processId: string): Promise<void>
  unregister(processId: string): Promise<void>
  /** Processes of this machine that are still on record, to find those whose pid is gone. */
  onMachine(machine: string): Promise<readonly { readonly id: string; readonly pid: number }[]>
  /**
   * Gives the jobs of dead processes back: of those named, and of those whose heartbeat is older than `staleMs`.
   * A job that saw `maxDeaths` processes die under it is parked. Returns what was given back.
   */
  reap(
    deadIds: readonly string[],
    staleMs: number | null,
    maxDeaths: number,
  ): Promise<
    readonly { readonly jobId: string; readonly kind: string; readonly parked: boolean; readonly payload: unknown }[]
  >
}

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
