/** What has happened: for tests to judge by, and for people who wonder. */
import type { JsonObject } from '../json.ts'
import { parseJson } from '../json.ts'
import { presentAnnotation, presentCheckRun } from '../present/check.ts'
import { repositoryOf } from '../present/pull-request.ts'
import { fullName } from '../world/find-repository.ts'
import type { CheckRun } from '../world/reports.ts'
import type { World } from '../world/world.ts'
import type { ControlRoute } from './control-route.ts'
import { needRepository } from './control-route.ts'

export const lookRoutes: readonly ControlRoute[] = [
  { method: 'GET', path: '/report', answer: ({ world }) => report(world) },
  { method: 'GET', path: '/history', answer: ({ world }) => history(world) },
  { method: 'GET', path: '/calls', answer: ({ world }) => world.calls.map((call) => ({ ...call })) },
  {
    method: 'GET',
    path: '/deliveries',
    answer: ({ world }) =>
      world.deliveries.map(
        ({
          id,
          guid,
          event,
          action,
          status,
          statusCode,
          duration,
          redelivery,
          deliveredAt,
          installationId,
          repositoryId,
          body,
        }) => ({
          id,
          guid,
          event,
          action,
          status,
          statusCode,
          duration,
          redelivery,
          deliveredAt,
          installationId,
          repositoryId,
          payload: parseJson(body) ?? null,
        }),
      ),
  },
  {
    /** Answers when no delivery is under way. */
    method: 'GET',
    path: '/idle',
    answer: async ({ world }) => {
      while (world.sending.size > 0) await Promise.all(world.sending)
      return { held: world.heldDeliveries.length }
    },
  },
  {
    method: 'GET',
    path: '/repos/:owner/:name/commits/:sha',
    answer: (call) => {
      const repository = needRepository(call)
      const of = <T extends { repositoryId: number }>(items: Iterable<T>): T[] =>
        [...items].filter(({ repositoryId }) => repositoryId === repository.id)
      const sha = call.path['sha']
      return {
        checkRuns: of(call.world.checkRuns.values())
          .filter(({ headSha }) => headSha === sha)
          .map((run) => showRun(call.world, run)),
        checkSuites: of(call.world.checkSuites.values())
          .filter(({ headSha }) => headSha === sha)
          .map((suite) => ({ ...suite })),
        statuses: of(call.world.statuses)
          .filter((status) => status.sha === sha)
          .map((status) => ({ ...status })),
        deployments: of(call.world.deployments.values())
          .filter((deployment) => deployment.sha === sha)
          .map((deployment) => ({ ...deployment, statuses: deployment.statuses.map((status) => ({ ...status })) })),
      }
    },
  },
]

/** A healthy client leaves `problems` and `unfinished` empty. */
function report(world: World): JsonObject {
  const operations: Record<string, number> = {}
  for (const { operation } of world.calls)
    if (operation !== null) operations[operation] = (operations[operation] ?? 0) + 1
  return {
    problems: world.problems.map((problem) => ({ ...problem })),
    warnings: Object.fromEntries(world.warnings),
    operations,
    unfinished: [...world.checkRuns.values()]
      .filter(({ status }) => status !== 'completed')
      .map((run) => showRun(world, run)),
    failedDeliveries: world.deliveries
      .filter(
        ({ guid }) =>
          !world.deliveries.some((other) => other.guid === guid && other.statusCode >= 200 && other.statusCode < 300),
      )
      .map(({ id, guid, event, action, status }) => ({ id, guid, event, action, status })),
  }
}

function history(world: World): JsonObject {
  return {
    checkRuns: [...world.checkRuns.values()].map((run) => showRun(world, run)),
    statuses: world.statuses.map((status) => ({ ...status })),
    deployments: [...world.deployments.values()].map((deployment) => ({
      ...deployment,
      statuses: deployment.statuses.map((status) => ({ ...status })),
    })),
  }
}

function showRun(world: World, run: CheckRun): JsonObject {
  const repository = repositoryOf(world, run.repositoryId)
  return {
    ...presentCheckRun(world, repository, run),
    repository: fullName(world, repository),
    actions: run.actions,
    annotations: run.annotations.map((annotation) => presentAnnotation(world, repository, run, annotation)),
    history: run.history.map((moment) => ({ ...moment })),
  }
}
