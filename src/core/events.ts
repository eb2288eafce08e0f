/**
 * Everything that can happen, in Slipway's own terms. `app/` translates GitHub's payloads into these at once,
 * the reconciler makes the same ones from GitHub's API; nothing behind this line knows a payload's shape.
 */

export interface RepositoryRef {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly installationId: number
  readonly isPrivate: boolean
  readonly defaultBranch: string
  readonly cloneUrl: string
  readonly htmlUrl: string
}

export interface PullRequestRef {
  readonly number: number
  readonly headSha: string
  readonly headRef: string
  /** `owner/name` of the repository that holds the head, null when it was deleted. */
  readonly headRepository: string | null
  readonly isFork: boolean
  readonly baseRef: string
  readonly baseSha: string
  readonly author: string
  readonly title: string
  readonly isDraft: boolean
}

interface InRepository {
  readonly repository: RepositoryRef
}

/** A branch points to another commit. `treeSha` is known when GitHub said it; it saves a fetch. */
export interface BranchPushed extends InRepository {
  readonly kind: 'branch_pushed'
  readonly branch: string
  readonly sha: string
  /** The former head, null for a new branch. */
  readonly before: string | null
  readonly treeSha: string | null
  readonly message: string
  readonly forced: boolean
  readonly actor: string | null
}

export interface BranchDeleted extends InRepository {
  readonly kind: 'branch_deleted'
  readonly branch: string
}

/** A tag exists and points to a commit (annotated tags already peeled where known). */
export interface TagPushed extends InRepository {
  readonly kind: 'tag_pushed'
  readonly tag: string
  /** The commit, or the tag object of an annotated tag; null when only the name is known. Git peels it. */
  readonly sha: string | null
  readonly actor: string | null
}

export interface TagDeleted extends InRepository {
  readonly kind: 'tag_deleted'
  readonly tag: string
}

export interface PullRequestChanged extends InRepository {
  readonly kind: 'pull_request_changed'
  readonly pullRequest: PullRequestRef
  readonly actor: string | null
}

export interface PullRequestClosed extends InRepository {
  readonly kind: 'pull_request_closed'
  readonly pullRequest: PullRequestRef
  readonly merged: boolean
}

/** The merge queue asks for the checks of a commit it made. */
export interface MergeGroupRequested extends InRepository {
  readonly kind: 'merge_group_requested'
  readonly headSha: string
  readonly headRef: string
  readonly baseRef: string
  readonly baseSha: string
}

export interface MergeGroupDestroyed extends InRepository {
  readonly kind: 'merge_group_destroyed'
  readonly headSha: string
}

/** Someone pressed Re-run on one check run (`name`, `runId`) or on the whole suite (both null). */
export interface RerunRequested extends InRepository {
  readonly kind: 'rerun_requested'
  readonly sha: string
  readonly runId: string | null
  readonly actor: string
}

export interface ButtonPressed extends InRepository {
  readonly kind: 'button_pressed'
  readonly runId: string
  readonly button: string
  readonly actor: string
}

/** A GitHub Actions workflow run ended: what it reserved in the pool is free again. */
export interface WorkflowRunCompleted extends InRepository {
  readonly kind: 'workflow_run_completed'
  readonly workflowRunId: number
  readonly runNumber: number
  /** A re-run has the same id: what it reserved after this moment is not the ended attempt's. */
  readonly completedAt: Date | null
}

export interface InstallationChanged {
  readonly kind: 'installation_changed'
  readonly installationId: number
  readonly account: string
  readonly change: 'created' | 'deleted' | 'suspended' | 'unsuspended' | 'permissions_accepted'
  readonly permissions: Readonly<Record<string, string>>
  readonly repositories: readonly { readonly id: number; readonly owner: string; readonly name: string }[]
}

export interface InstallationRepositoriesChanged {
  readonly kind: 'installation_repositories_changed'
  readonly installationId: number
  readonly added: readonly {
    readonly id: number
    readonly owner: string
    readonly name: string
    readonly isPrivate: boolean
  }[]
  readonly removed: readonly { readonly id: number; readonly owner: string; readonly name: string }[]
}

export interface RepositoryChanged extends InRepository {
  readonly kind: 'repository_changed'
  readonly change:
    | 'renamed'
    | 'transferred'
    | 'deleted'
    | 'archived'
    | 'unarchived'
    | 'edited'
    | 'privatized'
    | 'publicized'
}

export type SlipwayEvent =
  | BranchPushed
  | BranchDeleted
  | TagPushed
  | TagDeleted
  | PullRequestChanged
  | PullRequestClosed
  | MergeGroupRequested
  | MergeGroupDestroyed
  | RerunRequested
  | ButtonPressed
  | WorkflowRunCompleted
  | InstallationChanged
  | InstallationRepositoriesChanged
  | RepositoryChanged
