/** Repositories, their refs as last read from git, and pull requests between them. */
export type Role = 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none'

export interface Ref {
  /** What the ref names: a commit, or the tag object of an annotated tag. */
  readonly sha: string
  readonly type: 'commit' | 'tag' | 'tree' | 'blob'
  /** The commit behind it. */
  readonly commit: string
}

export interface Repository {
  readonly id: number
  ownerId: number
  name: string
  readonly formerNames: Set<string>
  private: boolean
  archived: boolean
  deleted: boolean
  description: string
  defaultBranch: string
  readonly parentId: number | null
  /** Given on top of what ownership gives. */
  readonly collaborators: Map<number, Role>
  readonly directory: string
  /** By full name, `refs/heads/main`. */
  refs: ReadonlyMap<string, Ref>
  /** Commits seen to exist. Objects never vanish here, so what was once there is there. */
  readonly knownCommits: Map<string, Commit>
  /** The last of the queue of writers, see git/take-turn.ts. */
  turn: Promise<unknown>
  readonly createdAt: string
  pushedAt: string
}

export interface PullRequest {
  readonly id: number
  readonly number: number
  readonly repositoryId: number
  readonly headRepositoryId: number
  headRef: string
  headSha: string
  baseRef: string
  baseSha: string
  mergeSha: string | null
  mergeable: boolean
  title: string
  body: string | null
  readonly userId: number
  state: 'open' | 'closed'
  merged: boolean
  mergedBy: number | null
  draft: boolean
  labels: string[]
  readonly createdAt: string
  updatedAt: string
  closedAt: string | null
  mergedAt: string | null
}

export interface Commit {
  readonly sha: string
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: Person
  readonly committer: Person
  readonly message: string
}

export interface Person {
  readonly name: string
  readonly email: string
  /** ISO 8601. */
  readonly date: string
}
