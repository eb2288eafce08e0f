/** Pull requests: the link that checks carry, and the whole. */
import type { JsonObject } from '../json.ts'
import { accountOf } from '../world/accounts.ts'
import type { PullRequest, Repository } from '../world/repositories.ts'
import { fullName } from '../world/find-repository.ts'
import type { World } from '../world/world.ts'
import { presentAccount } from './account.ts'
import { apiUrl, nodeId, repositoryApi, repositoryPage } from './addresses.ts'
import { presentRepository } from './repository.ts'

export function repositoryOf(world: World, id: number): Repository {
  const repository = world.repositories.get(id)
  if (repository === undefined) throw new Error(`no repository ${id} in the simulated GitHub`)
  return repository
}

export function presentPullRequestLink(world: World, pull: PullRequest): JsonObject {
  const base = repositoryOf(world, pull.repositoryId)
  const head = repositoryOf(world, pull.headRepositoryId)
  const minimal = (repository: Repository): JsonObject => ({
    id: repository.id,
    url: repositoryApi(world, repository),
    name: repository.name,
  })
  return {
    id: pull.id,
    number: pull.number,
    url: `${repositoryApi(world, base)}/pulls/${pull.number}`,
    head: { ref: pull.headRef, sha: pull.headSha, repo: minimal(head) },
    base: { ref: pull.baseRef, sha: pull.baseSha, repo: minimal(base) },
  }
}

export interface PullRequestSize {
  readonly commits: number
  readonly additions: number
  readonly deletions: number
  readonly changed_files: number
}

/** `size` is only in the answer for one pull request and in webhooks, not in lists. */
export function presentPullRequest(world: World, pull: PullRequest, size?: PullRequestSize): JsonObject {
  const base = repositoryOf(world, pull.repositoryId)
  const head = repositoryOf(world, pull.headRepositoryId)
  const api = repositoryApi(world, base)
  const url = `${api}/pulls/${pull.number}`
  const page = `${repositoryPage(world, base)}/pull/${pull.number}`
  const user = accountOf(world, pull.userId)
  const mine = size === undefined ? {} : { ...size, ...mergeState(world, pull) }
  return {
    id: pull.id,
    node_id: nodeId('PullRequest', pull.id),
    number: pull.number,
    state: pull.state,
    locked: false,
    draft: pull.draft,
    title: pull.title,
    body: pull.body,
    user: presentAccount(world, user),
    labels: pull.labels.map((name, index) => presentLabel(api, name, pull.id * 100 + index)),
    url,
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    issue_url: `${api}/issues/${pull.number}`,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${api}/issues/${pull.number}/comments`,
    statuses_url: `${api}/statuses/${pull.headSha}`,
    head: presentSide(world, head, pull.headRef, pull.headSha),
    base: presentSide(world, base, pull.baseRef, pull.baseSha),
    _links: {
      self: { href: url },
      html: { href: page },
      issue: { href: `${api}/issues/${pull.number}` },
      comments: { href: `${api}/issues/${pull.number}/comments` },
      review_comments: { href: `${url}/comments` },
      review_comment: { href: `${api}/pulls/comments{/number}` },
      commits: { href: `${url}/commits` },
      statuses: { href: `${api}/statuses/${pull.headSha}` },
    },
    author_association:
      pull.userId === base.ownerId
        ? 'OWNER'
        : pull.repositoryId === pull.headRepositoryId
          ? 'COLLABORATOR'
          : 'CONTRIBUTOR',
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    milestone: null,
    auto_merge: null,
    active_lock_reason: null,
    merge_commit_sha: pull.mergeSha,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: pull.mergedAt,
    ...mine,
  }
}

function mergeState(world: World, pull: PullRequest): JsonObject {
  return {
    merged: pull.merged,
    mergeable: pull.state === 'open' ? pull.mergeable : null,
    rebaseable: pull.state === 'open' ? pull.mergeable : null,
    mergeable_state: pull.state === 'open' ? (pull.mergeable ? 'clean' : 'dirty') : 'unknown',
    merged_by: pull.mergedBy === null ? null : presentAccount(world, accountOf(world, pull.mergedBy)),
    comments: 0,
    review_comments: 0,
    maintainer_can_modify: false,
  }
}

function presentSide(world: World, repository: Repository, ref: string, sha: string): JsonObject {
  const owner = accountOf(world, repository.ownerId)
  return {
    label: `${owner.login}:${ref}`,
    ref,
    sha,
    user: presentAccount(world, owner),
    repo: repository.deleted ? null : presentRepository(world, repository),
  }
}

export function presentLabel(api: string, name: string, id: number): JsonObject {
  return {
    id,
    node_id: nodeId('Label', id),
    url: `${api}/labels/${encodeURIComponent(name)}`,
    name,
    color: 'ededed',
    default: false,
    description: null,
  }
}

/** Issue comments are only sent, for apps that take commands from them. */
export function presentIssueOf(world: World, pull: PullRequest): JsonObject {
  const base = repositoryOf(world, pull.repositoryId)
  const url = apiUrl(world, `/repos/${fullName(world, base)}/issues/${pull.number}`)
  return {
    id: pull.id,
    number: pull.number,
    title: pull.title,
    body: pull.body,
    state: pull.state,
    url,
    html_url: `${repositoryPage(world, base)}/pull/${pull.number}`,
    user: presentAccount(world, accountOf(world, pull.userId)),
    labels: [],
    assignees: [],
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    pull_request: { url: `${repositoryApi(world, base)}/pulls/${pull.number}` },
  }
}
