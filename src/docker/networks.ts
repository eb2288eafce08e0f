import { z } from 'zod'
import type { DockerEngine } from './engine.ts'
import { segment } from './engine.ts'
import { engineFailure, unlessMissing } from './engine-error.ts'
import type { Labels } from './labels.ts'

export interface NetworkSpec {
  readonly name: string
  /** Written by `ownershipLabels('network', ...)`. */
  readonly labels: Labels
  /** True: containers reach each other and nothing else. */
  readonly internal?: boolean
}

/**
 * The id of a network of this name, made when there is none. Names are not unique to the Engine, which therefore is
 * asked to refuse a second one.
 */
export async function ensureNetwork(engine: DockerEngine, spec: NetworkSpec): Promise<string> {
  try {
    const answer = await engine.call({
      method: 'POST',
      path: '/networks/create',
      body: { Name: spec.name, CheckDuplicate: true, Driver: 'bridge', Internal: spec.internal ?? false, Labels: spec.labels },
    })
    return networkAnswer.parse(answer).Id
  } catch (thrown) {
    if (engineFailure(thrown).kind !== 'conflict') throw thrown
    return networkAnswer.parse(await engine.call({ method: 'GET', path: `/networks/${segment(spec.name)}` })).Id
  }
}

export async function connectNetwork(engine: DockerEngine, network: string, container: string, aliases: readonly string[] = []): Promise<void> {
  await engine.call({
    method: 'POST',
    path: `/networks/${segment(network)}/connect`,
    body: { Container: container, EndpointConfig: { Aliases: aliases } },
  })
}

/** A network that is not there counts as removed. Throws while containers are still on it. */
export async function removeNetwork(engine: DockerEngine, network: string): Promise<void> {
  await unlessMissing(engine.call({ method: 'DELETE', path: `/networks/${segment(network)}` }))
}

const networkAnswer = z.object({ Id: z.string() })
