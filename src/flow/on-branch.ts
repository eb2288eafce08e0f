/** A branch moved or went away. */
import type { BranchDeleted, BranchPushed } from '../core/events.ts'
import type { Commit } from './commit.ts'
import type { FlowDeps } from './deps.ts'
import { planCommit } from './plan-commit.ts'
import { cancelAll, supersedeOlder } from './supersede.ts'

/**
 * Webhooks come twice and out of order, so a push is believed only when it continues what we know (its `before` is the
 * head we have) or repeats it; otherwise GitHub is asked where the branch is now (invariant I7).
 */
export async function onBranchPushed(deps: FlowDeps, event: BranchPushed): Promise<void> {
  await deps.repositories.keep(event.repository)
  // Somebody who keeps another head in between makes us look again; each round somebody gets on, so this ends.
  while ((await followPush(deps, event)) === 'moved');
}

async function followPush(deps: FlowDeps, event: BranchPushed): Promise<'followed' | 'moved'> {
  const { repository, branch } = event
  const known = await deps.refs.branch(repository.id, branch)
  const continues = known === null || known.headSha === event.sha || known.headSha === event.before
  if (!continues) {
    const head = await deps.truth.branchHead(repository, branch)
    if (head !== event.sha) {
      deps.logger.info(
        { repository: repository.name, branch, sha: event.sha, head },
        'a late push was left alone: the branch is elsewhere',
      )
      return 'followed'
    }
  }
  const isRepeat = known?.headSha === event.sha
  const before = isRepeat ? known.previousSha : event.before
  const head = {
    name: branch,
    headSha: event.sha,
    previousSha: before,
    treeSha: event.treeSha ?? (isRepeat ? known.treeSha : null),
  }
  if (!(await deps.refs.keepBranch(repository.id, head, known?.headSha ?? null))) return 'moved'
  await planCommit(deps, commitOfBranch({ ...event, before, treeSha: head.treeSha }))
  const newest = await deps.refs.branch(repository.id, branch)
  // The branch moved on while we planned: what we have just made is superseded already.
  if (newest !== null && newest.headSha !== event.sha) {
    await supersedeOlder(deps.runs, repository.id, `branch:${branch}`, newest.headSha)
  }
  return 'followed'
}

export function commitOfBranch(event: Omit<BranchPushed, 'kind' | 'forced'>): Commit {
  return {
    repository: event.repository,
    sha: event.sha,
    treeSha: event.treeSha,
    source: {
      event: 'push',
      trust: 'trusted',
      ref: `refs/heads/${event.branch}`,
      branch: event.branch,
      tag: null,
      pullRequest: null,
      actor: event.actor,
    },
    supersedeKey: `branch:${event.branch}`,
    before: event.before,
    message: event.message,
    configSha: event.sha,
  }
}

export async function onBranchDeleted(deps: FlowDeps, { repository, branch }: BranchDeleted): Promise<void> {
  await deps.repositories.keep(repository)
  // A branch that was made again before we heard of its end is alive.
  if ((await deps.truth.branchHead(repository, branch)) !== null) return
  await deps.refs.deleteBranch(repository.id, branch)
  await cancelAll(
    deps.runs,
    { repositoryId: repository.id, supersedeKey: `branch:${branch}` },
    { reason: 'branch_deleted', words: `the branch ${branch} was deleted`, by: 'slipway' },
  )
  await deps.hooks.branchDeleted(repository, branch)
}
