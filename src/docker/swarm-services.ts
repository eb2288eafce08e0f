/**
 * The Engine's service calls that the Swarm driver is made of. Specifications are the Engine's own shape and pass
 * through untouched; what is read back is parsed to what decisions need.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { SlipwayError } from '../core/errors.ts'
import type { DockerEngine } from './engine.ts'
import { segment } from './engine.ts'
import { engineFailure, unlessMissing } from './engine-error.ts'
import { registryAuthHeader } from './registry-auth.ts'
import type { RegistryLogins } from './registry-auth.ts'

export type ServiceSpec = Readonly<Record<string, unknown>>

export interface SwarmService {
  readonly id: string
  readonly name: string
  /** Raised by Swarm with every change, its own included. */
  readonly version: number
  readonly labels: Readonly<Record<string, string>>
  readonly image: string
  /** The specification as the Engine has it, to be changed and sent back. */
  readonly spec: ServiceSpec
  readonly update:
    | {
        readonly state: string
        readonly startedAt: string | undefined
        readonly completedAt: string | undefined
        readonly message: string
      }
    | undefined
}

export interface SwarmTask {
  readonly id: string
  readonly createdAt: string
  readonly state: string
  readonly desiredState: string
  readonly image: string
  readonly nodeId: string | undefined
  readonly containerId: string | undefined
  readonly exitCode: number | undefined
  /** Why it failed, in Swarm's words; empty when it did not. */
  readonly error: string
  readonly message: string
  readonly addresses: readonly string[]
}

const OUT_OF_SEQUENCE = /update out of sequence/
/** Swarm raises the version itself while it rolls out; each new try reads it again. */
const UPDATE_ATTEMPTS = 10
const UPDATE_RETRY_MS = 100

/** Throws conflict when the name is taken. */
export async function createService(
  engine: DockerEngine,
  spec: ServiceSpec,
  image: string,
  logins?: RegistryLogins,
): Promise<string> {
  const answer = await engine.call({
    method: 'POST',
    path: '/services/create',
    body: spec,
    headers: serviceHeaders(image, logins),
  })
  return z.object({ ID: z.string() }).parse(answer).ID
}

/** Undefined when there is no such service. `idOrName` is either. */
export async function inspectService(engine: DockerEngine, idOrName: string): Promise<SwarmService | undefined> {
  const answer = await unlessMissing(engine.call({ method: 'GET', path: `/services/${segment(idOrName)}` }))
  if (answer === undefined) return undefined
  const service = serviceAnswer.parse(answer)
  const status = service.UpdateStatus
  return {
    id: service.ID,
    name: service.Spec.Name,
    version: service.Version.Index,
    labels: service.Spec.Labels ?? {},
    image: service.Spec.TaskTemplate.ContainerSpec?.Image ?? '',
    spec: service.Spec,
    update:
      status?.State === undefined
        ? undefined
        : {
            state: status.State,
            startedAt: status.StartedAt,
            completedAt: status.CompletedAt,
            message: status.Message ?? '',
          },
  }
}

/**
 * Changes a service. `change` gets what the service is now, also anew when somebody changed it in between, and returns
 * the new specification, or undefined to leave it. Answers the version after the change, which tells this update from
 * earlier ones; undefined when nothing was changed. Throws not_found when there is no such service.
 */
export async function updateService(
  engine: DockerEngine,
  idOrName: string,
  image: string,
  change: (current: SwarmService) => ServiceSpec | undefined,
  logins?: RegistryLogins,
): Promise<number | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const current = await requireService(engine, idOrName)
    const spec = change(current)
    if (spec === undefined) return undefined
    try {
      await engine.call({
        method: 'POST',
        path: `/services/${segment(current.id)}/update`,
        query: { version: current.version },
        body: spec,
        headers: serviceHeaders(image, logins),
      })
      return (await requireService(engine, current.id)).version
    } catch (thrown) {
      const failure = engineFailure(thrown)
      // The Engine answers 500 for this, not 409.
      if (!OUT_OF_SEQUENCE.test(failure.message) || attempt === UPDATE_ATTEMPTS) throw thrown
    }
    await delay(UPDATE_RETRY_MS)
  }
}

/** A service that is not there counts as removed. Its tasks end a moment later. */
export async function removeService(engine: DockerEngine, idOrName: string): Promise<void> {
  await unlessMissing(engine.call({ method: 'DELETE', path: `/services/${segment(idOrName)}` }))
}

/** Newest first, ended ones included as far as Swarm remembers them. */
export async function listTasks(engine: DockerEngine, service: string): Promise<readonly SwarmTask[]> {
  const answer = await engine.call({ method: 'GET', path: '/tasks', query: { filters: { service: [service] } } })
  const tasks = taskList.parse(answer).map((task) => ({
    id: task.ID,
    createdAt: task.CreatedAt,
    state: task.Status.State,
    desiredState: task.DesiredState,
    image: task.Spec.ContainerSpec?.Image ?? '',
    nodeId: task.NodeID,
    containerId: task.Status.ContainerStatus?.ContainerID,
    exitCode: task.Status.ContainerStatus?.ExitCode,
    error: task.Status.Err ?? '',
    message: task.Status.Message ?? '',
    addresses: (task.NetworksAttachments ?? []).flatMap((attachment) => attachment.Addresses ?? []),
  }))
  return tasks.sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1))
}

async function requireService(engine: DockerEngine, idOrName: string): Promise<SwarmService> {
  const service = await inspectService(engine, idOrName)
  if (service !== undefined) return service
  throw new SlipwayError('not_found', `Docker host ${engine.host} has no service ${idOrName}`)
}

/** Nodes pull the image themselves and need the login passed on. */
function serviceHeaders(image: string, logins: RegistryLogins | undefined): Readonly<Record<string, string>> {
  return { 'Content-Type': 'application/json', ...(logins === undefined ? {} : registryAuthHeader(image, logins)) }
}

const serviceAnswer = z.object({
  ID: z.string(),
  Version: z.object({ Index: z.number() }),
  Spec: z.looseObject({
    Name: z.string(),
    Labels: z.record(z.string(), z.string()).nullish(),
    TaskTemplate: z.looseObject({ ContainerSpec: z.looseObject({ Image: z.string() }).optional() }),
  }),
  UpdateStatus: z
    .object({
      State: z.string().optional(),
      StartedAt: z.string().optional(),
      CompletedAt: z.string().optional(),
      Message: z.string().optional(),
    })
    .nullish(),
})

const taskList = z.array(
  z.object({
    ID: z.string(),
    CreatedAt: z.string(),
    DesiredState: z.string(),
    NodeID: z.string().optional(),
    Spec: z.object({ ContainerSpec: z.object({ Image: z.string() }).optional() }),
    Status: z.object({
      State: z.string(),
      Err: z.string().optional(),
      Message: z.string().optional(),
      ContainerStatus: z.object({ ContainerID: z.string().optional(), ExitCode: z.number().optional() }).nullish(),
    }),
    NetworksAttachments: z.array(z.object({ Addresses: z.array(z.string()).nullish() })).nullish(),
  }),
)
