/** Plans the commit of an earlier run again, as if its event had just come. */
import type { Run } from '../core/run.ts'
import type { Commit, PlanOptions } from './commit.ts'
import type { FlowDeps } from './deps.ts'
import { commitOfPullRequest } from './on-pull-request.ts'
import { planCommit } from './plan-commit.ts'

export async function replan(deps: FlowDeps, run: Run, options: PlanOptions): Promise<void> {
  const commit = await commitOf(deps, run)
  if (commit !== null) await planCommit(deps, commit, options)
}

async function commitOf(deps: FlowDeps, run: Run): Promise<Commit | null> {
  const repository = await deps.repositories.get(run.repositoryId)
  if (repository === null) return null
  const { pullRequest } = run.source
  if (pullRequest !== null) {
    const pull = await deps.refs.pullRequest(run.repositoryId, pullRequest)
    if (pull === null) return null
    return await commitOfPullRequest(deps, repository, { ...pull, headSha: run.sha }, run.source.actor)
  }
  return {
    repository,
    sha: run.sha,
    treeSha: null,
    source: run.source,
    supersedeKey: run.supersedeKey,
    before: null,
    message: '',
    configSha: run.sha,
  }
}
