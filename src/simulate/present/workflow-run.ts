/** A run of GitHub Actions. Nothing runs here: the control API says how it went. */
import type { JsonObject } from '../json.ts'
import { accountOf } from '../world/accounts.ts'
import type { Repository } from '../world/repositories.ts'
import type { WorkflowRun } from '../world/reports.ts'
import type { World } from '../world/world.ts'
import { presentAccount } from './account.ts'
import { nodeId, repositoryApi, repositoryPage } from './addresses.ts'
import { presentRepository } from './repository.ts'

export function presentWorkflowRun(world: World, repository: Repository, run: WorkflowRun): JsonObject {
  const api = repositoryApi(world, repository)
  const url = `${api}/actions/runs/${run.id}`
  const actor = presentAccount(world, accountOf(world, run.actorId))
  const commit = repository.knownCommits.get(run.headSha)
  return {
    id: run.id,
    node_id: nodeId('WorkflowRun', run.id),
    name: run.name,
    path: `.github/workflows/${run.name}.yml`,
    display_title: commit?.message ?? run.name,
    run_number: run.number,
    run_attempt: run.attempt,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    head_branch: run.headBranch,
    head_sha: run.headSha,
    workflow_id: run.repositoryId,
    url,
    html_url: `${repositoryPage(world, repository)}/actions/runs/${run.id}`,
    workflow_url: `${api}/actions/workflows/${run.repositoryId}`,
    previous_attempt_url: null,
    pull_requests: [],
    actor,
    triggering_actor: actor,
    created_at: run.createdAt,
    updated_at: run.updatedAt,
    run_started_at: run.createdAt,
    head_commit: {
      id: run.headSha,
      tree_id: commit?.tree ?? run.headSha,
      message: commit?.message ?? '',
      timestamp: commit?.committer.date ?? run.createdAt,
      author: { name: commit?.author.name ?? '', email: commit?.author.email ?? '' },
      committer: { name: commit?.committer.name ?? '', email: commit?.committer.email ?? '' },
    },
    repository: presentRepository(world, repository),
    head_repository: presentRepository(world, repository),
  }
}

export function presentWorkflow(world: World, repository: Repository, run: WorkflowRun): JsonObject {
  const url = `${repositoryApi(world, repository)}/actions/workflows/${run.repositoryId}`
  return {
    id: run.repositoryId,
    node_id: nodeId('Workflow', run.repositoryId),
    name: run.name,
    path: `.github/workflows/${run.name}.yml`,
    state: 'active',
    created_at: run.createdAt,
    updated_at: run.updatedAt,
    url,
    html_url: `${repositoryPage(world, repository)}/actions/workflows/${run.name}.yml`,
    badge_url: `${repositoryPage(world, repository)}/workflows/${run.name}/badge.svg`,
  }
}
