/** Commit statuses: the newest of each context counts. */
import { text } from '../../json.ts'
import { repositoryApi } from '../../present/addresses.ts'
import { presentStatus } from '../../present/deployment.ts'
import { presentRepository } from '../../present/repository.ts'
import { emitWebhook } from '../../webhooks/emit-webhook.ts'
import type { Repository } from '../../world/repositories.ts'
import type { Status } from '../../world/reports.ts'
import type { World } from '../../world/world.ts'
import { presentCommit } from '../../present/commit.ts'
import { ok, unprocessable } from '../answer.ts'
import type { Handler } from '../call.ts'
import { pathText, theCommit, theRepository } from '../call.ts'
import { listAnswer, pageOf } from '../page-list.ts'
import { actor } from './git.ts'

/** GitHub keeps this many for one commit and context, and cuts no description short: it refuses longer ones. */
const maxStatuses = 1_000
const maxDescription = 140

export const statusOperations = {
  'repos/create-commit-status': async (call) => {
    const { world, body } = call
    const repository = theRepository(call)
    const commit = await theCommit(call, pathText(call, 'sha'))
    const context = text(body, 'context') ?? 'default'
    const description = text(body, 'description') ?? null
    if ((description?.length ?? 0) > maxDescription)
      throw unprocessable('Validation Failed', [{ field: 'description', code: 'too_long' }])
    if (
      statusesOf(world, repository, commit.sha).filter((status) => status.context === context).length >= maxStatuses
    ) {
      throw unprocessable('Validation Failed', ['This SHA and context has reached the maximum number of statuses.'])
    }
    const status: Status = {
      id: world.nextId(),
      repositoryId: repository.id,
      sha: commit.sha,
      state: text(body, 'state') ?? 'pending',
      context,
      description,
      targetUrl: text(body, 'target_url') ?? null,
      createdAt: world.now().toISOString(),
    }
    world.statuses.push(status)
    const { id, sha, state, targetUrl, createdAt } = status
    const payload = {
      id,
      sha,
      state,
      context,
      description,
      target_url: targetUrl,
      created_at: createdAt,
      updated_at: createdAt,
      name: String(presentRepository(world, repository)['full_name']),
      commit: presentCommit(world, repository, commit),
      branches: [],
    }
    emitWebhook(world, { event: 'status', sender: actor(call), repository, payload })
    return ok(presentStatus(world, repository, status), 201)
  },
  'repos/list-commit-statuses-for-ref': async (call) => {
    const repository = theRepository(call)
    const commit = await theCommit(call, pathText(call, 'ref'))
    return listAnswer(call, statusesOf(call.world, repository, commit.sha), (status) =>
      presentStatus(call.world, repository, status),
    )
  },
  'repos/get-combined-status-for-ref': async (call) => {
    const repository = theRepository(call)
    const commit = await theCommit(call, pathText(call, 'ref'))
    const statuses = newestOfEachContext(statusesOf(call.world, repository, commit.sha))
    const { items, headers } = pageOf(call, statuses)
    const api = repositoryApi(call.world, repository)
    return {
      status: 200,
      body: {
        state: combinedState(statuses),
        statuses: items.map((status) => presentStatus(call.world, repository, status)),
        sha: commit.sha,
        total_count: statuses.length,
        repository: presentRepository(call.world, repository),
        commit_url: `${api}/commits/${commit.sha}`,
        url: `${api}/commits/${commit.sha}/status`,
      },
      headers,
    }
  },
} satisfies Record<string, Handler>

/** Newest first. */
export function statusesOf(world: World, repository: Repository, sha: string): Status[] {
  return world.statuses.filter((status) => status.repositoryId === repository.id && status.sha === sha).toReversed()
}

export function newestOfEachContext(newestFirst: readonly Status[]): Status[] {
  const seen = new Map<string, Status>()
  for (const status of newestFirst) if (!seen.has(status.context)) seen.set(status.context, status)
  return [...seen.values()]
}

function combinedState(statuses: readonly Status[]): string {
  if (statuses.some(({ state }) => state === 'failure' || state === 'error')) return 'failure'
  return statuses.length === 0 || statuses.some(({ state }) => state === 'pending') ? 'pending' : 'success'
}
