/** Pull requests follow their branches: synchronized when the head moves, closed when it goes. */
import { findCommit, isAncestor, listCommits, mergeBase } from '../git/commits.ts'
import { fetchFrom } from '../git/bare-repository.ts'
import { listFileChanges } from '../git/file-changes.ts'
import { mergeCommits, updateRef } from '../git/merge-commits.ts'
import type { JsonObject } from '../json.ts'
import type { PullRequestSize } from '../present/pull-request.ts'
import { presentPullRequest, repositoryOf } from '../present/pull-request.ts'
import type { Account } from '../world/identities.ts'
import type { PullRequest, Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import { emitWebhook } from './emit-webhook.ts'

export interface BranchMove {
  readonly branch: string
  readonly before: string | undefined
  readonly after: string | undefined
  readonly sender: Account
}

export async function synchronizePullRequests(
  world: World,
  repository: Repository,
  { branch, before, after, sender }: BranchMove,
): Promise<void> {
  for (const pull of world.pullRequests) {
    if (pull.state !== 'open') continue
    if (pull.headRepositoryId === repository.id && pull.headRef === branch) {
      if (after === undefined) await closePullRequest(world, pull, sender)
      else {
        await refreshPullRequest(world, pull, after)
        await announcePullRequest(world, pull, 'synchronize', sender, { before: before ?? pull.headSha, after })
      }
    } else if (pull.repositoryId === repository.id && pull.baseRef === branch && after !== undefined) {
      // A push that brings the head's commits into the base is a merge, whoever did it.
      if (await isAncestor(repository, pull.headSha, after)) await markMerged(world, pull, after, sender)
      else await refreshPullRequest(world, pull, pull.headSha)
    }
  }
}

/** Takes the head's commits into the base repository (`refs/pull/N/head`) and tries the merge (`refs/pull/N/merge`). */
export async function refreshPullRequest(world: World, pull: PullRequest, headSha: string): Promise<void> {
  const base = repositoryOf(world, pull.repositoryId)
  const head = repositoryOf(world, pull.headRepositoryId)
  if (head !== base)
    await fetchFrom(base.directory, head.directory, `+refs/heads/${pull.headRef}:refs/pull/${pull.number}/head`)
  else await updateRef(base, `refs/pull/${pull.number}/head`, headSha)
  pull.headSha = headSha
  pull.baseSha = base.refs.get(`refs/heads/${pull.baseRef}`)?.commit ?? pull.baseSha
  pull.updatedAt = world.now().toISOString()
  await findCommit(base, headSha)
  const merged = await mergeCommits(base, pull.baseSha, headSha, `Merge ${headSha} into ${pull.baseSha}`)
  pull.mergeable = merged !== undefined
  pull.mergeSha = merged ?? null
  if (merged !== undefined) await updateRef(base, `refs/pull/${pull.number}/merge`, merged)
}

export async function closePullRequest(world: World, pull: PullRequest, sender: Account): Promise<void> {
  pull.state = 'closed'
  pull.closedAt = world.now().toISOString()
  pull.updatedAt = pull.closedAt
  await announcePullRequest(world, pull, 'closed', sender)
}

export async function markMerged(world: World, pull: PullRequest, mergeSha: string, sender: Account): Promise<void> {
  Object.assign(pull, { merged: true, mergedBy: sender.id, mergedAt: world.now().toISOString(), mergeSha })
  await closePullRequest(world, pull, sender)
}

export async function announcePullRequest(
  world: World,
  pull: PullRequest,
  action: string,
  sender: Account,
  more: JsonObject = {},
): Promise<void> {
  const repository = repositoryOf(world, pull.repositoryId)
  const payload = {
    number: pull.number,
    pull_request: presentPullRequest(world, pull, await measurePullRequest(world, pull)),
    ...more,
  }
  emitWebhook(world, { event: 'pull_request', action, sender, repository, payload })
}

export async function measurePullRequest(world: World, pull: PullRequest): Promise<PullRequestSize> {
  const repository = repositoryOf(world, pull.repositoryId)
  const base = (await mergeBase(repository, pull.baseSha, pull.headSha)) ?? pull.baseSha
  const [commits, files] = await Promise.all([
    listCommits(repository, `${base}..${pull.headSha}`),
    listFileChanges(repository, base, pull.headSha),
  ])
  const sum = (key: 'additions' | 'deletions'): number => files.reduce((total, file) => total + file[key], 0)
  return {
    commits: commits.length,
    additions: sum('additions'),
    deletions: sum('deletions'),
    changed_files: files.length,
  }
}
