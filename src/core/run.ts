/**
 * A run is one unit of work that GitHub shows as one check run. Its state only ever moves forward;
 * a repetition is a new attempt with an id of its own.
 */

export const RUN_KINDS = ['deployability', 'stage', 'deployment', 'package', 'config'] as const
export type RunKind = (typeof RUN_KINDS)[number]

export const RUN_STATES = ['queued', 'in_progress', 'completed'] as const
export type RunState = (typeof RUN_STATES)[number]

export const CONCLUSIONS = [
  'success',
  'failure',
  'cancelled',
  'timed_out',
  'skipped',
  'neutral',
  'action_required',
] as const
export type Conclusion = (typeof CONCLUSIONS)[number]

/** Why the run exists. */
export const RUN_EVENTS = ['push', 'pull_request', 'tag', 'merge_group', 'schedule', 'manual', 'reconcile'] as const
export type RunEvent = (typeof RUN_EVENTS)[number]

/**
 * How far the commit is trusted. `trusted`: pushed by someone with write access. `fork`: a stranger's code, which
 * gets no secrets, no shared cache and its configuration from the base branch.
 */
export const TRUST_TIERS = ['trusted', 'fork'] as const
export type Trust = (typeof TRUST_TIERS)[number]

/** Where the work comes from: enough to fetch the commit and to fill in the variables that steps see. */
export interface RunSource {
  readonly event: RunEvent
  readonly trust: Trust
  /** Full git ref (`refs/heads/main`, `refs/tags/v1`, `refs/pull/7/head`). */
  readonly ref: string
  readonly branch: string | null
  readonly tag: string | null
  readonly pullRequest: number | null
  /** Login of the person whose action GitHub reported. */
  readonly actor: string | null
}

/** Identity of a piece of work: at most one run exists for it (invariant I3). */
export interface RunKey {
  readonly repositoryId: number
  readonly sha: string
  /** The check run's name, e.g. `pipeline/test (node=20)`. */
  readonly name: string
  readonly attempt: number
}

export interface Run extends RunKey {
  readonly id: string
  readonly kind: RunKind
  readonly state: RunState
  readonly conclusion: Conclusion | null
  /** A word for the cause: `superseded`, `timeout`, `oom`, `infra`, `skipped`, `approval`, ... */
  readonly reason: string | null
  readonly source: RunSource
  /** Runs that were planned together share it (one push, one pull request event). */
  readonly groupId: string
  /** Runs of one line of work share it (`branch:main`, `pull:7`); a newer commit supersedes older ones. */
  readonly supersedeKey: string | null
  /** What to do, as planned; the shape belongs to the feature of `kind`. */
  readonly plan: unknown
  /** Longest time from its start to its end, in milliseconds. */
  readonly timeoutMs: number
  /** What happened; the shape belongs to the feature of `kind`. */
  readonly result: unknown
  readonly cancelRequestedAt: Date | null
  readonly cancelReason: string | null
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly completedAt: Date | null
}

/** A line of the run's own story, shown on its page: why it ran, what it waited for, who did what. */
export interface RunEventEntry {
  readonly at: Date
  readonly kind: string
  readonly message: string
}

/** True for the conclusions that let a branch be merged. */
export function isGood(conclusion: Conclusion): boolean {
  return conclusion === 'success' || conclusion === 'skipped' || conclusion === 'neutral'
}
