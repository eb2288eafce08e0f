/**
 * Services on the host's Swarm. An update is sent at most once for a deployment: the label that it carries tells a
 * process that takes over that it was sent. From then on we only watch, with a deadline of our own, because Swarm has
 * none, and stop believing it as soon as a task of ours ends.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createMasker } from '../../core/mask-secrets.ts'
import type { Condition, Hand, Rollout, RollOutcome, ServiceDriver } from '../../deployment/ports.ts'
import type { RollFailure } from '../../deployment/index.ts'
import {
  ADOPTED_LABEL,
  imageReference,
  swarmSpec,
  swarmVerdict,
  type SwarmService,
  type SwarmVerdict,
} from '../../deployment/index.ts'
import type { DockerEngine } from '../engine.ts'
import { engineFailure } from '../engine-error.ts'
import { registryAuthHeader, type RegistryLogins } from '../registry-auth.ts'
import { logTail } from './log-tail.ts'
import { DEPLOYMENT_LABEL, LABEL, rolloutLabels } from './rollout-labels.ts'
import { createService, findService, removeService, tasksOf, updateService } from './swarm-calls.ts'

export interface SwarmDriverOptions {
  readonly instance: string
  readonly logins: RegistryLogins
  /** False when the kernel lacks IPVS; undefined when that is not known. */
  readonly ingressWorks: () => Promise<boolean | undefined>
}

/** Often enough that a deployment is hardly later than its task; each look is two local calls. */
const LOOK_INTERVAL_MS = 60
/** How often a busy service may get ahead of us before that counts as a quarrel. */
const MAX_SEQUENCE_ERRORS = 20
/** A node may be about to join; a want of room that lasts longer is told at once instead of at the deadline. */
const NO_CAPACITY_GRACE_MS = 5_000

export function createSwarmDriver(engine: DockerEngine, options: SwarmDriverOptions): ServiceDriver {
  const { instance } = options
  const isOf = (rollout: Rollout) => (labels: Readonly<Record<string, string>>) =>
    labels[LABEL.instance] === instance &&
    labels[LABEL.release] === rollout.releaseId &&
    labels[DEPLOYMENT_LABEL] === rollout.runId

  async function roll(rollout: Rollout, hand: Hand): Promise<RollOutcome> {
    const warnings = new Set<string>()
    const refused = await put(rollout, hand, warnings)
    if (refused !== null) return { kind: 'failed', failure: refused }
    const verdict = await watch(rollout, hand)
    if (verdict.kind === 'failed') return { kind: 'failed', failure: await withLog(rollout, verdict) }
    if (await hasDeadIngress(rollout.name)) warnings.add('no_ipvs')
    return { kind: 'rolled', warnings: [...warnings] }
  }

  /** Sends our specification unless it is there already. */
  async function put(rollout: Rollout, hand: Hand, warnings: Set<string>): Promise<RollFailure | null> {
    const labels = rolloutLabels(instance, rollout)
    const headers = registryAuthHeader(imageReference(rollout.image), options.logins)
    let publishes = !rollout.isPreview
    for (let attempt = 0; attempt < MAX_SEQUENCE_ERRORS; attempt += 1) {
      hand.signal.throwIfAborted()
      const found = await findService(engine, rollout.name)
      if (found !== null && isOf(rollout)(found.spec.Labels)) return null
      const owner = found?.spec.Labels[LABEL.service]
      if (owner !== undefined && owner !== '' && owner !== rollout.serviceId) {
        return plainFailure('refused', `the service ${rollout.name} on this host belongs to another service of Slipway`)
      }
      const spec = swarmSpec(rollout, labels, found?.spec ?? null, publishes)
      try {
        if (found === null) await createService(engine, spec, headers)
        else await updateService(engine, found, spec, headers)
        hand.note(found === null ? `created the service ${rollout.name}` : `updated the service ${rollout.name}`)
        return null
      } catch (thrown) {
        const failure = engineFailure(thrown)
        if (failure.kind === 'unreachable') throw thrown
        if (publishes && /port '?\d+'? is already in use/i.test(failure.message)) {
          publishes = false
          warnings.add('port_taken')
        } else if (!/out of sequence|name conflicts/i.test(failure.message)) {
          return plainFailure('refused', failure.message)
        }
      }
    }
    return plainFailure('changed_by_others', `somebody else keeps changing the service ${rollout.name}`)
  }

  async function watch(rollout: Rollout, hand: Hand): Promise<Exclude<SwarmVerdict, { kind: 'pending' }>> {
    const started = performance.now()
    let noRoomSince: number | null = null
    for (;;) {
      const verdict = await judge(rollout)
      if (verdict.kind !== 'pending') return verdict
      const now = performance.now()
      noRoomSince = verdict.waitsFor === null ? null : (noRoomSince ?? now)
      if (noRoomSince !== null && now - noRoomSince > NO_CAPACITY_GRACE_MS) {
        return {
          kind: 'failed',
          failure: plainFailure('no_capacity', `no node takes a task of ${rollout.name}: ${verdict.waitsFor ?? ''}`),
          taskId: null,
        }
      }
      if (now - started > rollout.deadlineMs) {
        return {
          kind: 'failed',
          failure: plainFailure(
            'timed_out',
            `not all tasks of ${rollout.name} were running after ${rollout.deadlineMs / 1000} s`,
          ),
          taskId: await newestTask(rollout),
        }
      }
      await delay(LOOK_INTERVAL_MS, undefined, { signal: hand.signal })
    }
  }

  async function judge(rollout: Rollout): Promise<SwarmVerdict> {
    const service = await findService(engine, rollout.name)
    if (service === null) {
      return {
        kind: 'failed',
        failure: plainFailure('changed_by_others', `the service ${rollout.name} was removed meanwhile`),
        taskId: null,
      }
    }
    return swarmVerdict(rollout, service, await tasksOf(engine, service.id), isOf(rollout))
  }

  async function newestTask(rollout: Rollout): Promise<string | null> {
    const service = await findService(engine, rollout.name)
    const own = service === null ? [] : (await tasksOf(engine, service.id)).filter((task) => isOf(rollout)(task.labels))
    return own.toSorted((one, other) => other.createdAt - one.createdAt)[0]?.id ?? null
  }

  async function withLog(
    rollout: Rollout,
    { failure, taskId }: Extract<SwarmVerdict, { kind: 'failed' }>,
  ): Promise<RollFailure> {
    if (taskId === null) return failure
    return { ...failure, logTail: await logTail(engine, 'tasks', taskId, createMasker(Object.values(rollout.secrets))) }
  }

  async function hasDeadIngress(name: string): Promise<boolean> {
    const ports = (await findService(engine, name))?.spec.EndpointSpec?.Ports ?? []
    return ports.some((port) => port.PublishMode !== 'host') && (await options.ingressWorks()) === false
  }

  async function look(rollout: Rollout, isTrial: boolean): Promise<Condition> {
    const service = await findService(engine, rollout.name)
    if (service === null) return { kind: 'absent' }
    if (!runsRelease(service, rollout)) return { kind: 'replaced', by: service.spec.TaskTemplate.ContainerSpec.Image }
    const tasks = await tasksOf(engine, service.id)
    // Outside a trial only the present counts: Swarm has replaced what crashed last week.
    const verdict = swarmVerdict(
      rollout,
      service,
      isTrial ? tasks : tasks.filter((task) => task.desiredState === 'running'),
      isOf(rollout),
    )
    if (verdict.kind === 'failed') return { kind: 'failed', failure: await withLog(rollout, verdict) }
    return { kind: 'running' }
  }

  function runsRelease(service: SwarmService, rollout: Rollout): boolean {
    const image = service.spec.TaskTemplate.ContainerSpec.Image
    return (
      service.spec.Labels[LABEL.release] === rollout.releaseId &&
      image.endsWith(imageReference(rollout.image).split('@').at(-1) ?? '')
    )
  }

  return {
    kind: 'swarm',
    roll,
    look,
    // Swarm stops the old tasks by itself once the new ones run.
    settle: () => Promise.resolve(),
    async remove(service) {
      const found = await findService(engine, service.name)
      const labels = found?.spec.Labels ?? {}
      const isOurs =
        labels[LABEL.instance] === instance && labels[LABEL.service] === service.id && labels[ADOPTED_LABEL] !== 'true'
      if (found !== null && isOurs) await removeService(engine, found.id)
    },
  }
}

function plainFailure(kind: RollFailure['kind'], cause: string): RollFailure {
  return { kind, cause, exitCode: null, logTail: [] }
}
