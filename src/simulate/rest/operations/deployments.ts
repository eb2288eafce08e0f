/** Deployments, their statuses, and the environments they make. */
import { findCommit, isAncestor } from '../../git/commits.ts'
import { flag, isObject, text, texts } from '../../json.ts'
import type { Json } from '../../json.ts'
import { presentDeployment, presentDeploymentStatus, presentEnvironment } from '../../present/deployment.ts'
import { emitWebhook } from '../../webhooks/emit-webhook.ts'
import { recordProblem } from '../../world/record-problem.ts'
import type { Commit, Repository } from '../../world/repositories.ts'
import type { Deployment, DeploymentStatus } from '../../world/reports.ts'
import type { World } from '../../world/world.ts'
import type { Answer } from '../answer.ts'
import { noContent, notFound, ok, refuse, unprocessable } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathNumber, pathText, theRepository } from '../call.ts'
import { countedAnswer, listAnswer } from '../page-list.ts'
import { actor } from './git.ts'
import { newestOfEachContext, statusesOf } from './statuses.ts'

const maxDescription = 140

export const deploymentOperations = {
  'repos/create-deployment': (call) => createDeployment(call),
  'repos/list-deployments': (call) => {
    const { world, query } = call
    const repository = theRepository(call)
    const found = [...world.deployments.values()].filter(
      ({ repositoryId, sha, ref, task, environment }) =>
        repositoryId === repository.id &&
        [
          query['sha'] ?? sha,
          query['ref'] ?? ref,
          query['task'] ?? task,
          query['environment'] ?? environment,
        ].join() === [sha, ref, task, environment].join(),
    )
    return listAnswer(call, found.toReversed(), (deployment) => presentDeployment(world, repository, deployment))
  },
  'repos/get-deployment': (call) => ok(presentDeployment(call.world, theRepository(call), theDeployment(call))),
  'repos/delete-deployment': (call) => {
    const deployment = theDeployment(call)
    const others = [...call.world.deployments.values()].filter(
      ({ repositoryId }) => repositoryId === deployment.repositoryId,
    )
    const state = deployment.statuses.at(-1)?.state
    if (others.length > 1 && state !== 'inactive')
      throw unprocessable(
        'We cannot delete an active deployment unless it is the only deployment in a given repository.',
      )
    call.world.deployments.delete(deployment.id)
    return noContent
  },
  'repos/create-deployment-status': (call) => createStatus(call),
  'repos/list-deployment-statuses': (call) => {
    const deployment = theDeployment(call)
    return listAnswer(call, deployment.statuses.toReversed(), (status) =>
      presentDeploymentStatus(call.world, theRepository(call), deployment, status),
    )
  },
  'repos/get-deployment-status': (call) => {
    const deployment = theDeployment(call)
    const id = pathNumber(call, 'status_id')
    const status = deployment.statuses.find((candidate) => candidate.id === id)
    if (status === undefined) throw notFound()
    return ok(presentDeploymentStatus(call.world, theRepository(call), deployment, status))
  },
  'repos/get-all-environments': (call) => {
    const repository = theRepository(call)
    const environments = call.world.environments.filter(({ repositoryId }) => repositoryId === repository.id)
    return countedAnswer(call, 'environments', environments, (environment) =>
      presentEnvironment(call.world, repository, environment),
    )
  },
  'repos/get-environment': (call) => {
    const repository = theRepository(call)
    const name = pathText(call, 'environment_name')
    const found = call.world.environments.find(
      (environment) => environment.repositoryId === repository.id && environment.name === name,
    )
    if (found === undefined) throw notFound()
    return ok(presentEnvironment(call.world, repository, found))
  },
} satisfies Record<string, Handler>

async function createDeployment(call: Call): Promise<Answer> {
  const { world, body } = call
  const repository = theRepository(call)
  const ref = text(body, 'ref') ?? ''
  const commit = await findCommit(repository, ref)
  if (commit === undefined) throw unprocessable(`No ref found for: ${ref}`)
  checkDescription(call)
  await refuseAutoMerge(call, repository, commit)
  refuseUnmetContexts(call, repository, commit)
  const environment = text(body, 'environment') ?? 'production'
  const deployment: Deployment = {
    id: world.nextId(),
    repositoryId: repository.id,
    sha: commit.sha,
    ref,
    task: text(body, 'task') ?? 'deploy',
    payload: readPayload(body['payload']),
    environment,
    description: text(body, 'description') ?? null,
    transient: flag(body, 'transient_environment') ?? false,
    production: flag(body, 'production_environment') ?? environment === 'production',
    createdAt: world.now().toISOString(),
    updatedAt: world.now().toISOString(),
    statuses: [],
  }
  world.deployments.set(deployment.id, deployment)
  ensureEnvironment(world, repository, environment)
  emitWebhook(world, {
    event: 'deployment',
    action: 'created',
    sender: actor(call),
    repository,
    payload: { deployment: presentDeployment(world, repository, deployment), workflow: null, workflow_run: null },
  })
  return ok(presentDeployment(world, repository, deployment), 201)
}

/** `auto_merge` is true unless one says otherwise, and then GitHub may write to the branch: no deployer wants that. */
async function refuseAutoMerge(call: Call, repository: Repository, commit: Commit): Promise<void> {
  if (flag(call.body, 'auto_merge') === false) return
  recordProblem(call.world, 'auto-merge', 'a deployment was created without auto_merge: false', call.operation.id)
  const main = repository.refs.get(`refs/heads/${repository.defaultBranch}`)?.commit
  const isBranch = repository.refs.has(`refs/heads/${text(call.body, 'ref') ?? ''}`)
  if (main === undefined || !isBranch || (await isAncestor(repository, main, commit.sha))) return
  throw refuse(409, `Conflict merging ${repository.defaultBranch} into ${text(call.body, 'ref') ?? ''}.`)
}

function refuseUnmetContexts({ world, body }: Call, repository: Repository, commit: Commit): void {
  const required = texts(body, 'required_contexts')
  const runs = [...world.checkRuns.values()].filter(
    (run) => run.repositoryId === repository.id && run.headSha === commit.sha,
  )
  const states = new Map<string, string>()
  for (const status of newestOfEachContext(statusesOf(world, repository, commit.sha)))
    states.set(status.context, status.state)
  for (const run of runs) states.set(run.name, run.conclusion ?? 'pending')
  const unmet = (required ?? [...states.keys()]).filter(
    (context) => !['success', 'neutral', 'skipped'].includes(states.get(context) ?? 'missing'),
  )
  if (unmet.length === 0) return
  const contexts = [...states].map(([context, state]) => ({ context, state }))
  throw refuse(409, `Conflict: Commit status checks failed for ${commit.sha}.`, {
    errors: [{ contexts, resource: 'Deployment', field: 'required_contexts', code: 'invalid' }],
  })
}

function createStatus(call: Call): Answer {
  const { world, body } = call
  const repository = theRepository(call)
  const deployment = theDeployment(call)
  checkDescription(call)
  const status: DeploymentStatus = {
    id: world.nextId(),
    state: text(body, 'state') ?? 'pending',
    description: text(body, 'description') ?? '',
    environment: text(body, 'environment') ?? deployment.environment,
    logUrl: text(body, 'log_url') ?? text(body, 'target_url') ?? '',
    environmentUrl: text(body, 'environment_url') ?? '',
    createdAt: world.now().toISOString(),
    automatic: false,
  }
  deployment.statuses.push(status)
  deployment.updatedAt = status.createdAt
  if (status.state === 'success' && flag(body, 'auto_inactive') !== false) retireOthers(world, deployment)
  // Of "inactive" nobody is told.
  if (status.state !== 'inactive') {
    const payload = {
      deployment: presentDeployment(world, repository, deployment),
      deployment_status: presentDeploymentStatus(world, repository, deployment, status),
      check_run: null,
      workflow: null,
      workflow_run: null,
    }
    emitWebhook(world, { event: 'deployment_status', action: 'created', sender: actor(call), repository, payload })
  }
  return ok(presentDeploymentStatus(world, repository, deployment, status), 201)
}

/** A success makes the earlier non-transient, non-production deployments of its environment inactive. */
function retireOthers(world: World, deployment: Deployment): void {
  for (const other of world.deployments.values()) {
    const earlier =
      other.id < deployment.id &&
      other.repositoryId === deployment.repositoryId &&
      other.environment === deployment.environment
    if (!earlier || other.transient || other.production || other.statuses.at(-1)?.state !== 'success') continue
    const last = other.statuses.at(-1)
    if (last !== undefined)
      other.statuses.push({
        ...last,
        id: world.nextId(),
        state: 'inactive',
        createdAt: world.now().toISOString(),
        automatic: true,
      })
  }
}

function ensureEnvironment(world: World, repository: Repository, name: string): void {
  if (world.environments.some((environment) => environment.repositoryId === repository.id && environment.name === name))
    return
  world.environments.push({
    id: world.nextId(),
    repositoryId: repository.id,
    name,
    createdAt: world.now().toISOString(),
  })
}

function checkDescription({ body }: Call): void {
  if ((text(body, 'description')?.length ?? 0) > maxDescription)
    throw unprocessable('Validation Failed', [{ field: 'description', code: 'too_long' }])
}

function theDeployment(call: Call): Deployment {
  const deployment = call.world.deployments.get(pathNumber(call, 'deployment_id'))
  if (deployment === undefined || deployment.repositoryId !== theRepository(call).id) throw notFound()
  return deployment
}

function readPayload(value: Json | undefined): Json {
  return isObject(value) || typeof value === 'string' ? value : {}
}
