/** Everything the flow works with; `compose.ts` fills it in. */
import type { DesiredCheck } from '../core/check.ts'
import type { Logger } from '../core/logger.ts'
import type { PullRequestRef, RepositoryRef, WorkflowRunCompleted } from '../core/events.ts'
import type { Run } from '../core/run.ts'
import type { NewRun, RunJob, RunStore } from '../core/run-store.ts'
import type { LoadResult } from '../config/load-repository-config.ts'
import type { RepositoryPolicy } from '../config/server-config.ts'
import type { RunPlanner } from './commit.ts'
import type { ApprovalStore, GitHubRights, RefStore, RepositoryStore } from './ports.ts'

/** GitHub's truth, for what an event does not say. */
export interface GitHubTruth extends GitHubRights {
  branchHead(repository: RepositoryRef, branch: string): Promise<string | null>
  branches(repository: RepositoryRef): Promise<readonly { readonly name: string; readonly sha: string }[]>
  tags(repository: RepositoryRef): Promise<readonly { readonly name: string; readonly sha: string }[]>
  tagCommit(repository: RepositoryRef, tag: string): Promise<string | null>
  openPullRequests(repository: RepositoryRef): Promise<readonly PullRequestRef[]>
  /** Null when it is closed or was never there. */
  openPullRequest(repository: RepositoryRef, number: number): Promise<PullRequestRef | null>
  repository(installationId: number, owner: string, name: string): Promise<RepositoryRef | null>
  installations(): Promise<readonly InstallationTruth[]>
  installationRepositories(installationId: number): Promise<readonly RepositoryRef[]>
  commit(repository: RepositoryRef, sha: string): Promise<{ readonly message: string; readonly treeSha: string } | null>
}

/** An installation as GitHub lists it. */
export interface InstallationTruth {
  readonly id: number
  readonly account: string
  readonly permissions: Readonly<Record<string, string>>
  readonly isSuspended: boolean
}

/** What features do when something ended; each is safe to repeat. */
export interface FlowHooks {
  /** A workflow run of GitHub Actions ended. */
  workflowRunCompleted(event: WorkflowRunCompleted): Promise<void>
  pullRequestClosed(repository: RepositoryRef, pullRequest: PullRequestRef): Promise<void>
  branchDeleted(repository: RepositoryRef, branch: string): Promise<void>
  /** A tag names a commit; also for a tag that was seen before. */
  tagPushed(repository: RepositoryRef, tag: string, sha: string, actor: string | null): Promise<void>
  /** The runs that `tagPushed` would ask for; nothing is changed. */
  plannedForTag(repository: RepositoryRef, tag: string, sha: string): Promise<readonly NewRun[]>
  tagDeleted(repository: RepositoryRef, tag: string): Promise<void>
  /** Repositories that Slipway may no longer see. */
  repositoriesGone(
    repositories: readonly { readonly id: number; readonly owner: string; readonly name: string }[],
  ): Promise<void>
  /** Features with truths of their own to compare: previews, live branches, tags. */
  reconcile(
    repository: RepositoryRef,
    heads: {
      readonly branches: ReadonlyMap<string, string>
      readonly tags: ReadonlyMap<string, string>
      readonly openPullRequests: readonly PullRequestRef[]
    },
  ): Promise<void>
}

export interface FlowDeps {
  readonly repositories: RepositoryStore
  readonly refs: RefStore
  readonly approvals: ApprovalStore
  readonly runs: RunStore
  readonly truth: GitHubTruth
  /** The repository's file as it is at a commit; `treeSha` finds it without asking GitHub when it was read before. */
  readonly configAt: (repository: RepositoryRef, sha: string, treeSha: string | null) => Promise<LoadResult>
  readonly policyOf: (repository: RepositoryRef) => RepositoryPolicy
  /** Names of the secrets that an admin stored for the repository. */
  readonly secretNamesOf: (repository: RepositoryRef) => Promise<readonly string[]>
  readonly planners: readonly RunPlanner[]
  /** The job that does a run, for a new attempt of it. */
  readonly jobOf: (run: Run, plan: unknown) => RunJob | null
  /** A new attempt by the feature's own way; undefined: the run's plan is simply done again. */
  readonly rerunOf: (run: Run) => ((run: Run, actor: string) => Promise<Run | null>) | undefined
  /** What a run of this kind shows while it waits. */
  readonly queuedCheckOf: (run: Pick<Run, 'kind' | 'name'>) => DesiredCheck
  /** Changes a run's plan for a build without caches. */
  readonly withoutCache: (run: Run) => unknown
  /** Buttons that features answer: rollback, extend, release, and approvals of environments. */
  readonly onButton: (run: Run, button: string, actor: string) => Promise<void>
  readonly hooks: FlowHooks
  readonly newId: () => string
  readonly logger: Logger
}
