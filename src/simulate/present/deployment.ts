/** Deployments, their statuses, environments and commit statuses as GitHub shows them. */
import type { JsonObject } from '../json.ts'
import { botAccount } from '../world/accounts.ts'
import type { Repository } from '../world/repositories.ts'
import type { Deployment, DeploymentStatus, Environment, Status } from '../world/reports.ts'
import type { World } from '../world/world.ts'
import { presentAccount } from './account.ts'
import { nodeId, repositoryApi, repositoryPage } from './addresses.ts'
import { presentApp } from './app.ts'

export function presentDeployment(world: World, repository: Repository, deployment: Deployment): JsonObject {
  const url = `${repositoryApi(world, repository)}/deployments/${deployment.id}`
  return {
    id: deployment.id,
    node_id: nodeId('Deployment', deployment.id),
    sha: deployment.sha,
    ref: deployment.ref,
    task: deployment.task,
    payload: deployment.payload,
    original_environment: deployment.environment,
    environment: deployment.environment,
    description: deployment.description,
    creator: presentAccount(world, botAccount(world)),
    created_at: deployment.createdAt,
    updated_at: deployment.updatedAt,
    url,
    statuses_url: `${url}/statuses`,
    repository_url: repositoryApi(world, repository),
    transient_environment: deployment.transient,
    production_environment: deployment.production,
    performed_via_github_app: presentApp(world),
  }
}

export function presentDeploymentStatus(
  world: World,
  repository: Repository,
  deployment: Deployment,
  status: DeploymentStatus,
): JsonObject {
  const deploymentUrl = `${repositoryApi(world, repository)}/deployments/${deployment.id}`
  return {
    id: status.id,
    node_id: nodeId('DeploymentStatus', status.id),
    state: status.state,
    creator: presentAccount(world, botAccount(world)),
    description: status.description,
    environment: status.environment,
    target_url: status.logUrl,
    log_url: status.logUrl,
    environment_url: status.environmentUrl,
    created_at: status.createdAt,
    updated_at: status.createdAt,
    url: `${deploymentUrl}/statuses/${status.id}`,
    deployment_url: deploymentUrl,
    repository_url: repositoryApi(world, repository),
    performed_via_github_app: presentApp(world),
  }
}

export function presentEnvironment(world: World, repository: Repository, environment: Environment): JsonObject {
  const name = encodeURIComponent(environment.name)
  return {
    id: environment.id,
    node_id: nodeId('Environment', environment.id),
    name: environment.name,
    url: `${repositoryApi(world, repository)}/environments/${name}`,
    html_url: `${repositoryPage(world, repository)}/deployments/${name}`,
    created_at: environment.createdAt,
    updated_at: environment.createdAt,
    protection_rules: [],
    deployment_branch_policy: null,
  }
}

export function presentStatus(world: World, repository: Repository, status: Status): JsonObject {
  return {
    id: status.id,
    node_id: nodeId('Status', status.id),
    url: `${repositoryApi(world, repository)}/statuses/${status.sha}`,
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    avatar_url: `${world.origin}/avatars/app`,
    creator: presentAccount(world, botAccount(world)),
    created_at: status.createdAt,
    updated_at: status.createdAt,
  }
}
