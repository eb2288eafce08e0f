/**
 * How every feature keeps its runs. Each change of state, the line in the run's story and what GitHub should show are
 * one transaction, so that no crash leaves them apart. Writes that belong to work in hand take the work's lease and
 * throw `lease_lost` when another process has it by now.
 */
import type { DesiredCheck } from './check.ts'
import type { Lease } from './lease.ts'
import type { Conclusion, Run, RunEventEntry, RunKey, RunKind, RunSource } from './run.ts'

/** The job that does a run; its key is `run:<id>`, its payload `{runId}`. */
export interface RunJob {
  readonly kind: string
  /** What it loads, e.g. `host:production`. */
  readonly lane: string
  readonly laneCap?: number
  readonly repositoryCap?: number
  readonly priority?: number
}

export interface NewRun extends RunKey {
  readonly kind: RunKind
  readonly source: RunSource
  readonly groupId: string
  readonly supersedeKey: string | null
  readonly plan: unknown
  /** Longest time from its start until it must have ended, in milliseconds. */
  readonly timeoutMs: number
  /** What GitHub shows from the first moment. */
  readonly report: DesiredCheck
  /** One sentence: why this run exists. */
  readonly story: string
  /** Null: nothing to do (skipped, or waiting for an approval). A completed `report` makes a completed run. */
  readonly job: RunJob | null
  /** A word for the cause when it is completed at once. */
  readonly reason?: string
}

export interface RunEnd {
  readonly conclusion: Conclusion
  readonly reason: string | null
  readonly result: unknown
  readonly report: DesiredCheck
  readonly story: string
}

export interface RunFilter {
  readonly repositoryId?: number
  readonly supersedeKey?: string
  readonly groupId?: string
  readonly pullRequest?: number
  readonly sha?: string
  readonly name?: string
  readonly kind?: RunKind
  readonly isOpen?: boolean
  readonly limit?: number
  /** Only runs made before this one, for paging. */
  readonly before?: Date
}

export interface StartedRun extends Run {
  /** Milliseconds to its deadline by the database's clock; null while it waits for a person. */
  readonly timeLeftMs: number | null
}

export interface RunStore {
  /** Inserts what does not exist yet (by key) and returns the runs that were inserted. */
  create(runs: readonly NewRun[]): Promise<readonly Run[]>
  get(runId: string): Promise<Run | null>
  /** Newest first. */
  list(filter: RunFilter): Promise<readonly Run[]>
  /** The number of the newest attempt, 0 when there is none. */
  lastAttempt(repositoryId: number, sha: string, name: string): Promise<number>
  story(runId: string): Promise<readonly RunEventEntry[]>

  /** Gives a run that waited for a person its job. */
  release(runId: string, job: RunJob, report: DesiredCheck, story: string): Promise<boolean>
  /** The work begins, or goes on after a take-over: sets `startedAt` and the deadline the first time only. */
  start(lease: Lease, runId: string, report: DesiredCheck, story: string): Promise<StartedRun>
  /** Progress: what GitHub should show by now, and optionally what is known so far and a line for the story. */
  progress(
    lease: Lease,
    runId: string,
    change: { report?: DesiredCheck; result?: unknown; story?: string },
  ): Promise<void>
  complete(lease: Lease, runId: string, end: RunEnd): Promise<void>
  /**
   * Ends a run that nobody works on (waiting, or given up). False when it is being worked on or has ended: then use
   * `requestCancel`.
   */
  completeIdle(runId: string, end: RunEnd): Promise<boolean>
  /**
   * Ends a run whatever else happens: the lease of whoever works on it is void from now on. Only for work that did
   * not end by itself within its limit.
   */
  completeForced(runId: string, end: RunEnd): Promise<void>
  /** Asks whoever works on it to stop. */
  requestCancel(runId: string, cancel: { readonly reason: string; readonly by: string }): Promise<void>
  /** Adds a line to the run's story. */
  note(runId: string, kind: string, message: string): Promise<void>
  /** Calls back when somebody asks to cancel the run (at once if it was asked already). Returns the unsubscriber. */
  onCancel(runId: string, listener: (cancel: { readonly reason: string }) => void): () => void
  /** Open runs past their deadline by more than `graceMs`, on the database's clock. */
  overdue(graceMs: number): Promise<readonly Run[]>
}
