/**
 * What would happen to a commit, and why: the same planning as after an event, over a run store that only writes down.
 * Nothing is changed; GitHub and the database are asked.
 */
import type { RepositoryRef } from '../core/events.ts'
import type { NewRun } from '../core/run-store.ts'
import type { Run } from '../core/run.ts'
import type { Commit } from './commit.ts'
import type { FlowDeps } from './deps.ts'
import { commitOfBranch } from './on-branch.ts'
import { commitOfPullRequest } from './on-pull-request.ts'
import { commitOfTag } from './on-tag.ts'
import { planCommit } from './plan-commit.ts'
import { recordRuns } from './recording-runs.ts'

export type PlanTarget =
  | { readonly kind: 'branch'; readonly branch: string }
  | { readonly kind: 'pull_request'; readonly number: number }
  | { readonly kind: 'tag'; readonly tag: string }

export type PlanExplained =
  | { readonly kind: 'not_found'; readonly what: string }
  | {
      readonly kind: 'planned'
      readonly commit: Commit
      /** Whether the repository has the file, at the commit whose file counts. */
      readonly file: 'absent' | 'invalid' | 'valid'
      readonly ignored: string | null
      readonly runs: readonly PlannedRun[]
      /** Unfinished runs of older commits that would be cancelled. */
      readonly superseded: readonly Run[]
    }

export interface PlannedRun {
  readonly run: NewRun
  /** The run that stands for this work already; then nothing new would be made. */
  readonly existing: Run | null
}

export async function explainPlan(
  deps: FlowDeps,
  repository: RepositoryRef,
  target: PlanTarget,
): Promise<PlanExplained> {
  const commit = await commitOfTarget(deps, repository, target)
  if (commit === null) return { kind: 'not_found', what: targetText(target) }
  const recorded = recordRuns(deps.runs)
  let file: 'absent' | 'invalid' | 'valid' = 'absent'
  await planCommit(
    {
      ...deps,
      runs: recorded.runs,
      async configAt(...where) {
        const loaded = await deps.configAt(...where)
        file = loaded.kind === 'ok' ? 'valid' : loaded.kind
        return loaded
      },
    },
    commit,
  )
  const isIgnored = commit.source.trust === 'fork' && deps.policyOf(repository).forkPullRequests === 'ignore'
  const { tag } = commit.source
  const packages = tag === null ? [] : await deps.hooks.plannedForTag(repository, tag, commit.sha)
  const [runs, superseded] = await Promise.all([
    Promise.all(
      [...recorded.created, ...packages].map(async (run) => ({ run, existing: await findExisting(deps, run) })),
    ),
    Promise.all(recorded.ended.map((id) => deps.runs.get(id))),
  ])
  return {
    kind: 'planned',
    commit,
    file,
    ignored: isIgnored ? 'server.yml says: fork_pull_requests: ignore' : null,
    runs,
    superseded: superseded.filter((run) => run !== null),
  }
}

async function commitOfTarget(deps: FlowDeps, repository: RepositoryRef, target: PlanTarget): Promise<Commit | null> {
  switch (target.kind) {
    case 'branch':
      return await commitOfHead(deps, repository, target.branch)
    case 'pull_request': {
      const open = await deps.truth.openPullRequests(repository)
      const pull = open.find(({ number }) => number === target.number)
      return pull === undefined ? null : await commitOfPullRequest(deps, repository, pull, pull.author)
    }
    case 'tag': {
      const sha = await deps.truth.tagCommit(repository, target.tag)
      return sha === null ? null : commitOfTag(repository, target.tag, sha, null)
    }
  }
}

/** As if the branch's head had just been pushed onto the head that we know of before it. */
async function commitOfHead(deps: FlowDeps, repository: RepositoryRef, branch: string): Promise<Commit | null> {
  const sha = await deps.truth.branchHead(repository, branch)
  if (sha === null) return null
  const [known, commit] = await Promise.all([
    deps.refs.branch(repository.id, branch),
    deps.truth.commit(repository, sha),
  ])
  return commitOfBranch({
    repository,
    branch,
    sha,
    before: known?.headSha === sha ? known.previousSha : (known?.headSha ?? null),
    treeSha: commit?.treeSha ?? null,
    message: commit?.message ?? '',
    actor: null,
  })
}

async function findExisting(deps: FlowDeps, run: NewRun): Promise<Run | null> {
  const { repositoryId, sha, name, attempt } = run
  const same = await deps.runs.list({ repositoryId, sha, name })
  return same.find((one) => one.attempt === attempt) ?? null
}

function targetText(target: PlanTarget): string {
  switch (target.kind) {
    case 'branch':
      return `the branch ${target.branch}`
    case 'pull_request':
      return `the open pull request #${target.number}`
    case 'tag':
      return `the tag ${target.tag}`
  }
}
