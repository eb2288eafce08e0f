import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { SlipwayError } from '../core/errors.ts'
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

/** Callers that keep meeting each other; each try has another delay. */
const CREATE_ATTEMPTS = 20
const CREATE_RETRY_MS = 50

/**
 * The id of a network of this name, made when there is none. Names are not unique to the Engine: asked to refuse a
 * second one it still makes two when two callers come at once. Whoever sees another network beside its own takes its
 * own away and looks again; of two callers at most one can have seen only its own.
 */
export async function ensureNetwork(engine: DockerEngine, spec: NetworkSpec): Promise<string> {
  for (let attempt = 0; attempt < CREATE_ATTEMPTS; attempt += 1) {
    const made = await createNetwork(engine, spec)
    const answer = await engine.call({ method: 'GET', path: '/networks', query: { filters: { name: [spec.name] } } })
    const present = networkList.parse(answer).filter((network) => network.Name === spec.name)
    const [only] = present
    if (only !== undefined && present.length === 1) return only.Id
    if (made !== undefined) await removeNetwork(engine, made)
    await delay(Math.random() * CREATE_RETRY_MS)
  }
  throw new SlipwayError('host_refused', `network ${spec.name} exists more than once on Docker host ${engine.host}`)
}

/** Undefined when the name is taken. */
async function createNetwork(engine: DockerEngine, spec: NetworkSpec): Promise<string | undefined> {
  try {
    const answer = await engine.call({
      method: 'POST',
      path: '/networks/create',
      body: {
        Name: spec.name,
        CheckDuplicate: true,
        Driver: 'bridge',
        Internal: spec.internal ?? false,
        Labels: spec.labels,
      },
    })
    return networkAnswer.parse(answer).Id
  } catch (thrown) {
    if (engineFailure(thrown).kind !== 'conflict') throw thrown
    return undefined
  }
}

export async function connectNetwork(
  engine: DockerEngine,
  network: string,
  container: string,
  aliases: readonly string[] = [],
): Promise<void> {
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
const networkList = z.array(z.object({ Id: z.string(), Name: z.string() }))
