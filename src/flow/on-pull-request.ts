/** A pull request has a new head, or was closed. */
import type { PullRequestChanged, PullRequestClosed, PullRequestRef, RepositoryRef } from '../core/events.ts'
import type { Commit } from './commit.ts'
import type { FlowDeps } from './deps.ts'
import { planCommit } from './plan-commit.ts'
import { cancelAll } from './supersede.ts'

export async function onPullRequestChanged(deps: FlowDeps, event: PullRequestChanged): Promise<void> {
  const { repository, pullRequest } = event
  await deps.repositories.keep(repository)
  const current = (await isNews(deps, repository, pullRequest))
    ? pullRequest
    : await deps.truth.openPullRequest(repository, pullRequest.number)
  if (current === null) return
  await deps.refs.keepPullRequest(repository.id, current, 'open')
  await planCommit(deps, await commitOfPullRequest(deps, repository, current, event.actor))
}

/**
 * True when the event can be taken at its word: the first one of its pull request, or a repetition of what we know.
 * Otherwise it may be an old one that comes late (closed before opened, an older head after a newer one), and only
 * GitHub knows.
 */
async function isNews(deps: FlowDeps, repository: RepositoryRef, pull: PullRequestRef): Promise<boolean> {
  const known = await deps.refs.pullRequest(repository.id, pull.number)
  if (known !== null) return known.state === 'open' && known.headSha === pull.headSha
  if (pull.isFork) return true
  const branch = await deps.refs.branch(repository.id, pull.headRef)
  return branch === null || branch.headSha === pull.headSha
}

/**
 * A branch of the same repository is the repository's own code: its runs have the branch's line of work, so the push
 * and the pull request of one commit make one set of runs. A fork's code is a stranger's: its configuration is the
 * base branch's as it is now.
 */
export async function commitOfPullRequest(
  deps: Pick<FlowDeps, 'truth'>,
  repository: RepositoryRef,
  pull: PullRequestRef,
  actor: string | null,
): Promise<Commit> {
  const baseSha = pull.isFork ? ((await deps.truth.branchHead(repository, pull.baseRef)) ?? pull.baseSha) : pull.baseSha
  return {
    repository,
    sha: pull.headSha,
    treeSha: null,
    source: {
      event: 'pull_request',
      trust: pull.isFork ? 'fork' : 'trusted',
      ref: `refs/pull/${pull.number}/head`,
      branch: pull.headRef,
      tag: null,
      pullRequest: pull.number,
      actor: pull.isFork ? pull.author : actor,
    },
    supersedeKey: pull.isFork ? `pull:${pull.number}` : `branch:${pull.headRef}`,
    before: baseSha,
    message: '',
    configSha: pull.isFork ? baseSha : pull.headSha,
  }
}

export async function onPullRequestClosed(
  deps: FlowDeps,
  { repository, pullRequest }: PullRequestClosed,
): Promise<void> {
  await deps.repositories.keep(repository)
  await deps.refs.keepPullRequest(repository.id, pullRequest, 'closed')
  await cancelAll(
    deps.runs,
    { repositoryId: repository.id, pullRequest: pullRequest.number },
    { reason: 'pull_request_closed', words: `pull request #${pullRequest.number} was closed`, by: 'slipway' },
  )
  await deps.hooks.pullRequestClosed(repository, pullRequest)
}
