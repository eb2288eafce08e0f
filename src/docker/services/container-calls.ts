/** The Engine's answers about the containers of services, parsed at the door. */
import { z } from 'zod'
import type { ContainerRequest, ReplicaState } from '../../deployment/index.ts'
import { segment, type DockerEngine } from '../engine.ts'
import { unlessMissing } from '../engine-error.ts'
import { ownerOf, ownershipFilter } from '../labels.ts'

export async function inspectReplica(engine: DockerEngine, nameOrId: string): Promise<ReplicaState | null> {
  const answer = await unlessMissing(engine.call({ method: 'GET', path: `/containers/${segment(nameOrId)}/json` }))
  if (answer === undefined) return null
  const { Id, State, RestartCount } = containerAnswer.parse(answer)
  return {
    id: Id,
    isRunning: State.Running,
    hasEnded: State.Status === 'exited' || State.Status === 'dead',
    exitCode: State.ExitCode,
    error: State.Error ?? '',
    isOutOfMemory: State.OOMKilled === true,
    health: State.Health?.Status ?? null,
    restarts: RestartCount,
    startedAt: Date.parse(State.StartedAt),
  }
}

/** Throws `conflict` when the name is taken, `not_found` when the image is missing. */
export async function createReplica(engine: DockerEngine, request: ContainerRequest): Promise<void> {
  await engine.call({ method: 'POST', path: '/containers/create', query: { name: request.name }, body: request.body })
}

/** One that runs already stays as it is. */
export async function startReplica(engine: DockerEngine, name: string): Promise<void> {
  await engine.call({ method: 'POST', path: `/containers/${segment(name)}/start` })
}

export async function updateReplica(
  engine: DockerEngine,
  name: string,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  await engine.call({ method: 'POST', path: `/containers/${segment(name)}/update`, body })
}

export interface ServiceContainer {
  readonly id: string
  readonly releaseId: string
  readonly image: string
}

export async function containersOf(
  engine: DockerEngine,
  instance: string,
  serviceId: string,
): Promise<readonly ServiceContainer[]> {
  const answer = await engine.call({
    method: 'GET',
    path: '/containers/json',
    query: { all: true, filters: ownershipFilter({ instance, service: serviceId }) },
  })
  return listAnswer.parse(answer).flatMap((container) => {
    const owner = ownerOf('container', instance, container.Labels)
    // Hooks carry the service's label as well; they belong to their run.
    if (owner?.service !== serviceId || owner.release === undefined || owner.run !== undefined) return []
    return [{ id: container.Id, releaseId: owner.release, image: container.ImageID }]
  })
}

const containerAnswer = z.object({
  Id: z.string(),
  RestartCount: z.number(),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    ExitCode: z.number(),
    Error: z.string().nullish(),
    OOMKilled: z.boolean().nullish(),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
})

const listAnswer = z.array(
  z.object({ Id: z.string(), ImageID: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
)
