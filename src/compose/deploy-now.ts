/** A person wants a service deployed now: the head of its branch, planned as if it had just been pushed. */
import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { Run } from '../core/run.ts'
import { deploymentName, isGoodRelease, requestRollback } from '../deployment/index.ts'
import type { FlowDeps } from '../flow/deps.ts'
import { commitOfBranch } from '../flow/on-branch.ts'
import { planCommit } from '../flow/plan-commit.ts'
import { servicePlanner } from '../flow/plan-services.ts'
import type { DeploymentParts } from './deployment-parts.ts'

export async function deployNow(
  parts: DeploymentParts,
  flow: FlowDeps,
  repository: RepositoryRef,
  { key, pullRequest }: { readonly key: string; readonly pullRequest: number | null },
  sha: string | null,
  by: string,
): Promise<Run> {
  if (pullRequest !== null)
    throw new SlipwayError(
      'conflict',
      'the copy of a pull request is deployed by pushing to it, or by Re-run on its check',
    )
  const branch =
    (await parts.services.find(repository.id, key, null))?.branch ?? (await branchInFile(flow, repository, key))
  const head = await flow.truth.branchHead(repository, branch)
  if (head === null) throw new SlipwayError('conflict', `the branch ${branch} does not exist`)
  if (sha !== null && !head.startsWith(sha.toLowerCase())) return olderCommit(parts, repository, key, sha, by)

  const commit = commitOfBranch({ repository, branch, sha: head, before: null, treeSha: null, message: '', actor: by })
  const source = { ...commit.source, event: 'manual' as const }
  const planners = [servicePlanner(parts, { by, only: key })]
  const known = (await flow.refs.branch(repository.id, branch))?.headSha ?? null
  if (known !== head)
    await flow.refs.keepBranch(repository.id, { name: branch, headSha: head, previousSha: known, treeSha: null }, known)
  await planCommit(
    { ...flow, planners },
    { ...commit, source, supersedeKey: null },
    { isNewAttempt: true, useCache: true },
  )
  const [run] = await parts.runs.list({
    repositoryId: repository.id,
    sha: head,
    name: deploymentName(key, null),
    limit: 1,
  })
  if (run === undefined)
    throw new SlipwayError(
      'not_found',
      `slipway.yml at ${head.slice(0, 12)} has no service ${key} for the branch ${branch}`,
      { field: 'service' },
    )
  if (run.state === 'completed')
    throw new SlipwayError(
      'not_allowed',
      `${key} cannot be deployed: ${(await parts.runs.story(run.id)).at(-1)?.message ?? run.reason ?? ''}`,
    )
  return run
}

/** An older commit comes back as the release it was, never as a new build (invariant I7). */
async function olderCommit(
  parts: DeploymentParts,
  repository: RepositoryRef,
  key: string,
  sha: string,
  by: string,
): Promise<Run> {
  const service = await parts.services.find(repository.id, key, null)
  const releases = service === null ? [] : await parts.releases.list(service.id, 200)
  const known = releases.find((release) => release.sha.startsWith(sha.toLowerCase()) && isGoodRelease(release))
  if (service === null || known === undefined) {
    throw new SlipwayError('conflict', `${sha} is not the head of its branch, and no release of it is kept`, {
      field: 'sha',
      remedy: 'push the commit you want to the branch',
    })
  }
  return requestRollback(parts, service, { to: known.id, by, force: false })
}

/** A service that was never deployed is known from the default branch's file only. */
async function branchInFile(flow: FlowDeps, repository: RepositoryRef, key: string): Promise<string> {
  const head = await flow.truth.branchHead(repository, repository.defaultBranch)
  const loaded = head === null ? null : await flow.configAt(repository, head, null)
  const branch = loaded?.kind === 'ok' ? loaded.config.services[key]?.branch : undefined
  if (branch === undefined)
    throw new SlipwayError('not_found', `there is no service ${key} in ${repository.owner}/${repository.name}`, {
      field: 'service',
    })
  return branch
}
