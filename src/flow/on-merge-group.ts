/** The merge queue waits for the checks of a commit it made; without them it stalls for everybody behind it. */
import type { MergeGroupDestroyed, MergeGroupRequested } from '../core/events.ts'
import type { FlowDeps } from './deps.ts'
import { planCommit } from './plan-commit.ts'
import { cancelAll } from './supersede.ts'

export async function onMergeGroupRequested(deps: FlowDeps, event: MergeGroupRequested): Promise<void> {
  const { repository, headSha, headRef, baseSha } = event
  await deps.repositories.keep(repository)
  await planCommit(deps, {
    repository,
    sha: headSha,
    treeSha: null,
    source: {
      event: 'merge_group',
      trust: 'trusted',
      ref: headRef,
      branch: headRef.replace(/^refs\/heads\//, ''),
      tag: null,
      pullRequest: null,
      actor: null,
    },
    supersedeKey: null,
    before: baseSha,
    message: '',
    configSha: headSha,
  })
}

export async function onMergeGroupDestroyed(
  deps: FlowDeps,
  { repository, headSha }: MergeGroupDestroyed,
): Promise<void> {
  const runs = await deps.runs.list({ repositoryId: repository.id, sha: headSha, isOpen: true })
  if (!runs.some((run) => run.source.event === 'merge_group')) return
  await cancelAll(
    deps.runs,
    { repositoryId: repository.id, sha: headSha },
    { reason: 'merge_group_destroyed', words: 'the merge group is gone', by: 'slipway' },
  )
}
