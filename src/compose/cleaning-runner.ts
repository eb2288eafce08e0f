/** Cleans a pool's instance in a container of its own, on the first Docker host that builds. */
import { errorMessage } from '../core/errors.ts'
import { createContainer, startContainer } from '../docker/run-container.ts'
import { ownershipLabels } from '../docker/labels.ts'
import { pullImage } from '../docker/images.ts'
import { removeContainer } from '../docker/stop-container.ts'
import type { DockerEngine } from '../docker/engine.ts'
import type { CleaningOutcome, CleaningRun, CleaningRunner } from '../pool/index.ts'
import { registryLogins } from './image-builder.ts'
import type { Foundation } from './foundation.ts'

/** Cleaning calls an API or two; it is not a build. */
const RESOURCES = { memoryBytes: 512 * 1024 * 1024, cpus: 1, pids: 256 }
/** Of what the commands print, the end goes into the instance's history. */
const KEPT_OUTPUT = 2_000

export function createCleaningRunner(base: Foundation): CleaningRunner {
  return {
    async run(cleaning, signal) {
      const host = base.hosts.configs.find((candidate) => candidate.builds)
      if (host === undefined) return { kind: 'failed', cause: 'no Docker host builds, so nothing can run the cleaning' }
      try {
        return await clean(base, base.hosts.host(host.name).engine, cleaning, signal)
      } catch (error) {
        return { kind: 'failed', cause: errorMessage(error) }
      }
    },
  }
}

async function clean(
  base: Foundation,
  engine: DockerEngine,
  cleaning: CleaningRun,
  signal: AbortSignal,
): Promise<CleaningOutcome> {
  const id = await create(base, engine, cleaning)
  if (typeof id !== 'string') return id
  let output = ''
  try {
    const limit = AbortSignal.timeout(cleaning.timeoutMs)
    const end = await startContainer(
      engine,
      id,
      ({ bytes }) => {
        output = (output + bytes.toString('utf8')).slice(-KEPT_OUTPUT)
      },
      { signal: AbortSignal.any([signal, limit]) },
    )
    if (end.kind === 'exited' && end.exitCode === 0) return { kind: 'clean' }
    const tail = output.trim() === '' ? '' : `: ${output.trim().split('\n').at(-1) ?? ''}`
    if (end.kind === 'exited') return { kind: 'failed', cause: `exit code ${end.exitCode}${tail}` }
    if (end.kind === 'cancelled')
      return { kind: 'failed', cause: limit.aborted ? 'the time limit was reached' : 'interrupted' }
    return { kind: 'failed', cause: end.message }
  } finally {
    await removeContainer(engine, id)
  }
}

async function create(
  base: Foundation,
  engine: DockerEngine,
  cleaning: CleaningRun,
): Promise<string | CleaningOutcome> {
  const spec = {
    image: cleaning.image,
    entrypoint: ['/bin/sh', '-ec'],
    command: [cleaning.commands.join('\n')],
    env: { CI: 'true', SLIPWAY: 'true', ...cleaning.env },
    network: { kind: 'default' } as const,
    resources: RESOURCES,
    labels: ownershipLabels('container', { instance: base.instanceId, step: 'cleaning' }),
  }
  const first = await createContainer(engine, spec)
  if (first.kind === 'created') return first.id
  if (first.kind !== 'missing_image') return { kind: 'failed', cause: first.message }
  const pulled = await pullImage(engine, cleaning.image, { logins: registryLogins(base) })
  if (pulled.kind !== 'pulled') return { kind: 'failed', cause: `${cleaning.image}: ${pulled.message}` }
  const second = await createContainer(engine, spec)
  return second.kind === 'created' ? second.id : { kind: 'failed', cause: `${cleaning.image} could not be used` }
}
