/** What the flow of events needs from outside; adapters implement it, `compose.ts` brings them together. */
import type { PullRequestRef, RepositoryRef } from '../core/events.ts'

export interface RepositoryRecord extends RepositoryRef {
  readonly isActive: boolean
}

export interface BranchRecord {
  readonly name: string
  readonly headSha: string
  /** The head before the last push, null for a new branch. */
  readonly previousSha: string | null
  readonly treeSha: string | null
}

/** What we know of GitHub's installations and repositories, by their ids: names change, ids do not. */
export interface RepositoryStore {
  /** Keeps what an event said of a repository; a repository that was removed comes back by this. */
  keep(repository: RepositoryRef): Promise<void>
  get(id: number): Promise<RepositoryRecord | null>
  findByName(owner: string, name: string): Promise<RepositoryRecord | null>
  /** Active repositories of active installations. */
  listActive(): Promise<readonly RepositoryRecord[]>
  remove(ids: readonly number[]): Promise<void>
  keepInstallation(installation: {
    readonly id: number
    readonly account: string
    readonly permissions: Readonly<Record<string, string>>
    readonly isSuspended: boolean
    readonly isDeleted: boolean
  }): Promise<void>
  repositoriesOfInstallation(installationId: number): Promise<readonly RepositoryRecord[]>
  activeInstallations(): Promise<readonly number[]>
}

export interface RefStore {
  /** Keeps the new head if the head is still the one that the caller saw (null: none); false: look again. */
  keepBranch(repositoryId: number, branch: BranchRecord, expectedHead: string | null): Promise<boolean>
  deleteBranch(repositoryId: number, name: string): Promise<void>
  branch(repositoryId: number, name: string): Promise<BranchRecord | null>
  branches(repositoryId: number): Promise<readonly BranchRecord[]>
  keepPullRequest(repositoryId: number, pullRequest: PullRequestRef, state: 'open' | 'closed'): Promise<void>
  pullRequest(repositoryId: number, number: number): Promise<(PullRequestRef & { readonly state: string }) | null>
  openPullRequests(repositoryId: number): Promise<readonly PullRequestRef[]>
}

export interface ApprovalStore {
  /** `scope` is the pull request (`pull:7`) or the environment (`environment:production`). */
  approve(approval: {
    readonly repositoryId: number
    readonly subject: 'fork' | 'deployment'
    readonly object: string
    readonly scope: string
    readonly by: string
  }): Promise<void>
  isApproved(repositoryId: number, subject: 'fork' | 'deployment', object: string, scope: string): Promise<boolean>
}

/** Who may do what, asked of GitHub at that moment and never remembered. */
export interface GitHubRights {
  canWrite(repository: RepositoryRef, login: string): Promise<boolean>
  canRead(repository: RepositoryRef, login: string): Promise<boolean>
}

export interface ScheduleLooks {
  /** When the repository's schedules were last looked at; null before the first time. */
  lookedAt(repositoryId: number): Promise<Date | null>
  keep(repositoryId: number, at: Date): Promise<void>
}
