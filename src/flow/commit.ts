/** A commit that something happened to, and what its checks are planned from. */
import type { RepositoryRef } from '../core/events.ts'
import type { RunSource } from '../core/run.ts'
import type { NewRun } from '../core/run-store.ts'
import type { RepositoryConfig } from '../config/repository-config.ts'
import type { RepositoryPolicy } from '../config/server-config.ts'

export interface Commit {
  readonly repository: RepositoryRef
  readonly sha: string
  /** Known when GitHub said it with the event; spares a fetch. */
  readonly treeSha: string | null
  readonly source: RunSource
  /** Older unfinished runs of the same line of work are superseded; null: never. */
  readonly supersedeKey: string | null
  /** What the paths of `when` compare with: the former head, or the base; null: everything counts as changed. */
  readonly before: string | null
  readonly message: string
  /** Where the configuration is read: the commit itself, or the base branch for a fork. */
  readonly configSha: string
}

/** What a planner may know. */
export interface PlanContext extends Commit {
  readonly config: RepositoryConfig
  readonly policy: RepositoryPolicy
  readonly groupId: string
  /** False: build without any cache, because somebody pressed Rebuild. */
  readonly useCache: boolean
  readonly started: StartedBy
  /** The attempt that a run of this name would be. */
  attempt(name: string): Promise<number>
}

/** Says which runs a commit needs. Every feature that runs something has one. */
export type RunPlanner = (context: PlanContext) => Promise<readonly NewRun[]>

/** What started a pipeline when it was no event of GitHub. */
export interface StartedBy {
  readonly cron?: string
  /** Checked against the file's declarations by the planner. */
  readonly inputs?: Readonly<Record<string, string>>
}

export interface PlanOptions {
  readonly started?: StartedBy
  /** True after an approval, a re-run or a rebuild: runs that exist already are made anew. */
  readonly isNewAttempt: boolean
  readonly useCache: boolean
}
