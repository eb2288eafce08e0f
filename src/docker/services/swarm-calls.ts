/** The Engine's answers about Swarm services, parsed at the door. */
import { z } from 'zod'
import type { SwarmService, SwarmSpec, SwarmTask } from '../../deployment/index.ts'
import { segment, type DockerEngine } from '../engine.ts'
import { unlessMissing } from '../engine-error.ts'

/** By its exact name; null when there is none. */
export async function findService(engine: DockerEngine, name: string): Promise<SwarmService | null> {
  const answer = await unlessMissing(engine.call({ method: 'GET', path: `/services/${segment(name)}` }))
  if (answer === undefined) return null
  const service = serviceAnswer.parse(answer)
  // The Engine also finds a service by the beginning of an id.
  if (service.Spec.Name !== name) return null
  return {
    id: service.ID,
    version: service.Version.Index,
    spec: service.Spec as SwarmSpec,
    updateState: service.UpdateStatus?.State || null,
    updateMessage: service.UpdateStatus?.Message ?? null,
  }
}

export async function createService(
  engine: DockerEngine,
  spec: SwarmSpec,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  await engine.call({ method: 'POST', path: '/services/create', body: spec, headers })
}

/** Throws `host_refused` with "update out of sequence" when somebody else was faster. */
export async function updateService(
  engine: DockerEngine,
  service: SwarmService,
  spec: SwarmSpec,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  await engine.call({
    method: 'POST',
    path: `/services/${service.id}/update`,
    query: { version: service.version },
    body: spec,
    headers,
  })
}

export async function removeService(engine: DockerEngine, id: string): Promise<void> {
  await unlessMissing(engine.call({ method: 'DELETE', path: `/services/${segment(id)}` }))
}

export async function tasksOf(engine: DockerEngine, serviceId: string): Promise<readonly SwarmTask[]> {
  const answer = await engine.call({ method: 'GET', path: '/tasks', query: { filters: { service: [serviceId] } } })
  return tasksAnswer.parse(answer).map((task) => ({
    id: task.ID,
    labels: task.Spec.ContainerSpec?.Labels ?? {},
    state: task.Status.State,
    desiredState: task.DesiredState,
    error: task.Status.Err || null,
    // A task that never began has none, though the Engine fills in a zero.
    exitCode: task.Status.State === 'rejected' ? null : (task.Status.ContainerStatus?.ExitCode ?? null),
    createdAt: Date.parse(task.CreatedAt),
  }))
}

const containerSpec = z.looseObject({
  Image: z.string(),
  Env: z.array(z.string()).optional(),
  Labels: z.record(z.string(), z.string()).optional(),
})

const serviceAnswer = z.object({
  ID: z.string(),
  Version: z.object({ Index: z.number() }),
  Spec: z.looseObject({
    Name: z.string(),
    Labels: z
      .record(z.string(), z.string())
      .nullish()
      .transform((labels) => labels ?? {}),
    TaskTemplate: z.looseObject({ ContainerSpec: containerSpec }),
    Mode: z.record(z.string(), z.unknown()).optional(),
    EndpointSpec: z
      .looseObject({ Ports: z.array(z.looseObject({ PublishMode: z.string().optional() })).optional() })
      .optional(),
  }),
  UpdateStatus: z.object({ State: z.string().optional(), Message: z.string().optional() }).nullish(),
})

const tasksAnswer = z.array(
  z.object({
    ID: z.string(),
    CreatedAt: z.string(),
    DesiredState: z.string(),
    Spec: z.object({ ContainerSpec: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).optional() }),
    Status: z.object({
      State: z.string(),
      Err: z.string().optional(),
      ContainerStatus: z.object({ ExitCode: z.number().optional() }).nullish(),
    }),
  }),
)
