/**
 * Runs a service's hooks: each in a container of the new image with the service's own environment. Containers are named
 * after the run and the hook and stay until the run has ended, so whoever takes over sees which have run already.
 */
import { createMasker } from '../../core/mask-secrets.ts'
import { reveal } from '../../core/secret.ts'
import { SlipwayError } from '../../core/errors.ts'
import type { HookRunner, Rollout } from '../../deployment/ports.ts'
import { segment, type DockerEngine } from '../engine.ts'
import { ownershipLabels } from '../labels.ts'
import { sweepOwned } from '../sweep.ts'
import { createReplica, inspectReplica, startReplica } from './container-calls.ts'
import { logTail } from './log-tail.ts'

/** A migration may take long; one that takes longer needs another way. */
const HOOK_LIMIT_MS = 15 * 60_000
const HOOK_MEMORY_BYTES = 2 * 1024 ** 3
const HOOK_PIDS = 1024

export function createHookRunner(engineOf: (host: string) => DockerEngine, instance: string): HookRunner {
  return {
    async run(host, { name, command, rollout }, signal) {
      const engine = engineOf(host)
      const container = `slipway-hook-${rollout.runId}-${name}`
      const known = await inspectReplica(engine, container)
      if (known === null) await createReplica(engine, { name: container, body: hookBody(instance, rollout, command) })
      if (known === null || (!known.isRunning && !known.hasEnded)) await startReplica(engine, container)
      await ended(engine, container, signal)
      const state = await inspectReplica(engine, container)
      const masker = createMasker(Object.values(rollout.secrets))
      return { exitCode: state?.exitCode ?? -1, logTail: await logTail(engine, 'containers', container, masker) }
    },
    async clear(host, runId) {
      await sweepOwned(engineOf(host), { instance, run: runId }, (object) => object.kind !== 'container')
    },
  }
}

async function ended(engine: DockerEngine, container: string, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(HOOK_LIMIT_MS)
  try {
    await engine.call(
      { method: 'POST', path: `/containers/${segment(container)}/wait` },
      { timeoutMs: 0, signal: AbortSignal.any([signal, limit]) },
    )
  } catch (thrown) {
    if (!limit.aborted) throw thrown
    await engine.call({ method: 'POST', path: `/containers/${segment(container)}/kill` })
    throw new SlipwayError('timed_out', `the hook did not end within ${HOOK_LIMIT_MS / 60_000} minutes`)
  }
}

function hookBody(instance: string, rollout: Rollout, command: string): Readonly<Record<string, unknown>> {
  const secrets = Object.entries(rollout.secrets).map(([name, secret]) => `${name}=${reveal(secret)}`)
  return {
    Image: rollout.image.imageId,
    Entrypoint: ['/bin/sh', '-c'],
    Cmd: [command],
    Env: [...Object.entries(rollout.env).map(([name, value]) => `${name}=${value}`), ...secrets],
    Labels: ownershipLabels('container', { instance, run: rollout.runId, service: rollout.serviceId }),
    HostConfig: {
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: HOOK_MEMORY_BYTES,
      PidsLimit: HOOK_PIDS,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '1' } },
    },
  }
}
