import { z } from 'zod'
import type { DockerEngine } from './engine.ts'
import { segment } from './engine.ts'
import { unlessMissing } from './engine-error.ts'

export interface ContainerState {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly running: boolean
  readonly exitCode: number
  readonly oomKilled: boolean
  readonly error: string
  /** ISO 8601 with nanoseconds, by the host's clock; the year 1 when it has not happened. */
  readonly startedAt: string
  readonly finishedAt: string
  /** What the image's own health check says, where it has one. */
  readonly health: string | undefined
  readonly imageId: string
  readonly labels: Readonly<Record<string, string>>
  /** Address in each network by the network's name. */
  readonly addresses: Readonly<Record<string, string>>
}

/** Undefined when there is no such container. */
export async function inspectContainer(engine: DockerEngine, id: string): Promise<ContainerState | undefined> {
  const answer = await unlessMissing(engine.call({ method: 'GET', path: `/containers/${segment(id)}/json` }))
  if (answer === undefined) return undefined
  const { State, Config, NetworkSettings, ...container } = inspectAnswer.parse(answer)
  const networks = Object.entries(NetworkSettings.Networks ?? {})
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    status: State.Status,
    running: State.Running,
    exitCode: State.ExitCode,
    oomKilled: State.OOMKilled,
    error: State.Error,
    startedAt: State.StartedAt,
    finishedAt: State.FinishedAt,
    health: State.Health?.Status,
    imageId: container.Image,
    labels: Config.Labels ?? {},
    addresses: Object.fromEntries(networks.map(([name, network]) => [name, network.IPAddress])),
  }
}

const inspectAnswer = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    Error: z.string(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })).nullish() }),
})
