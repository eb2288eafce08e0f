/** Check runs and the suite they form for a commit. A suite's state is computed from its runs, never stored. */
import type { JsonObject } from '../json.ts'
import { pullRequestsWithHead } from '../world/find-repository.ts'
import type { Repository } from '../world/repositories.ts'
import type { CheckRun, CheckSuite } from '../world/reports.ts'
import type { World } from '../world/world.ts'
import { nodeId, repositoryApi, repositoryPage } from './addresses.ts'
import { presentApp } from './app.ts'
import { presentPullRequestLink } from './pull-request.ts'
import { presentRepository } from './repository.ts'

export function presentCheckRun(world: World, repository: Repository, run: CheckRun): JsonObject {
  const url = `${repositoryApi(world, repository)}/check-runs/${run.id}`
  return {
    id: run.id,
    node_id: nodeId('CheckRun', run.id),
    name: run.name,
    head_sha: run.headSha,
    external_id: run.externalId ?? '',
    url,
    html_url: `${repositoryPage(world, repository)}/runs/${run.id}`,
    details_url: run.detailsUrl ?? `${repositoryPage(world, repository)}/runs/${run.id}`,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: {
      title: run.title,
      summary: run.summary,
      text: run.text,
      annotations_count: run.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: run.suiteId },
    app: presentApp(world),
    pull_requests: presentPullRequestLinks(world, repository, run.headSha),
  }
}

/** As webhooks carry it: with the suite in full. */
export function presentCheckRunWithSuite(
  world: World,
  repository: Repository,
  run: CheckRun,
  suite: CheckSuite,
): JsonObject {
  const { repository: _repository, ...shown } = presentCheckSuite(world, repository, suite)
  return { ...presentCheckRun(world, repository, run), check_suite: shown }
}

export function presentCheckSuite(world: World, repository: Repository, suite: CheckSuite): JsonObject {
  const runs = runsOf(world, suite)
  const url = `${repositoryApi(world, repository)}/check-suites/${suite.id}`
  const commit = repository.knownCommits.get(suite.headSha)
  return {
    id: suite.id,
    node_id: nodeId('CheckSuite', suite.id),
    head_branch: suite.headBranch,
    head_sha: suite.headSha,
    ...suiteState(runs),
    url,
    before: suite.before,
    after: suite.headSha,
    pull_requests: presentPullRequestLinks(world, repository, suite.headSha),
    app: presentApp(world),
    repository: presentRepository(world, repository),
    created_at: suite.createdAt,
    updated_at: suite.updatedAt,
    latest_check_runs_count: runs.length,
    check_runs_url: `${url}/check-runs`,
    rerequestable: true,
    runs_rerequestable: true,
    head_commit: {
      id: suite.headSha,
      tree_id: commit?.tree ?? suite.headSha,
      message: commit?.message ?? '',
      timestamp: commit?.committer.date ?? suite.createdAt,
      author: { name: commit?.author.name ?? '', email: commit?.author.email ?? '' },
      committer: { name: commit?.committer.name ?? '', email: commit?.committer.email ?? '' },
    },
  }
}

/** The newest run of each name: older ones of the same name no longer count. */
export function runsOf(world: World, suite: CheckSuite): CheckRun[] {
  const newest = new Map<string, CheckRun>()
  for (const run of world.checkRuns.values()) if (run.suiteId === suite.id) newest.set(run.name, run)
  return [...newest.values()]
}

/** From bad to good: the first that occurs is the suite's. */
const conclusions = [
  'action_required',
  'timed_out',
  'failure',
  'cancelled',
  'startup_failure',
  'stale',
  'neutral',
  'success',
  'skipped',
]

export function suiteState(runs: readonly CheckRun[]): { status: string; conclusion: string | null } {
  if (runs.length === 0) return { status: 'queued', conclusion: null }
  if (runs.every((run) => run.status === 'completed')) {
    return {
      status: 'completed',
      conclusion: conclusions.find((conclusion) => runs.some((run) => run.conclusion === conclusion)) ?? 'success',
    }
  }
  return { status: runs.every((run) => run.status === 'queued') ? 'queued' : 'in_progress', conclusion: null }
}

export function presentAnnotation(
  world: World,
  repository: Repository,
  run: CheckRun,
  annotation: JsonObject,
): JsonObject {
  return {
    start_column: null,
    end_column: null,
    title: null,
    raw_details: null,
    ...annotation,
    blob_href: `${repositoryPage(world, repository)}/blob/${run.headSha}/${String(annotation['path'])}`,
  }
}

function presentPullRequestLinks(world: World, repository: Repository, sha: string): JsonObject[] {
  return pullRequestsWithHead(world, repository.id, sha).map((pull) => presentPullRequestLink(world, pull))
}
