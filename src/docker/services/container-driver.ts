/**
 * Plain containers behind the host's proxy. The new release is started beside the old one, asked until it is healthy,
 * and only then gets requests; the old one keeps what it has and stays until the new one is trusted, so the way back
 * is a switch as well.
 *
 * What was done is never guessed: names are the same for the same release, so a container that exists is not made
 * again; the places in the proxy are in the database before the proxy hears of them.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createMasker } from '../../core/mask-secrets.ts'
import { containerRequest, KEPT_RUNNING, replicaCondition, replicaName } from '../../deployment/index.ts'
import type {
  Condition,
  Hand,
  Rollout,
  RollOutcome,
  RouteStore,
  ServiceDriver,
  TrafficProxy,
} from '../../deployment/ports.ts'
import type { FailureKind, RollFailure } from '../../deployment/index.ts'
import { placesFor, servesRelease, switchedTo, withPlaces, type Route } from '../../deployment/index.ts'
import type { DockerEngine } from '../engine.ts'
import { engineFailure } from '../engine-error.ts'
import { stopContainer } from '../stop-container.ts'
import { containersOf, createReplica, inspectReplica, startReplica, updateReplica } from './container-calls.ts'
import { logTail } from './log-tail.ts'
import { rolloutLabels } from './rollout-labels.ts'

export interface ContainerDriverOptions {
  readonly instance: string
  /** Null: the host has no proxy, and services without domains run on the Engine's own network. */
  readonly proxy: TrafficProxy | null
  readonly routes: RouteStore
  /** How long requests and upgraded connections of a replaced release may go on, milliseconds; 30 s by default. */
  readonly drainLimitMs?: number
}

const LOOK_INTERVAL_MS = 100
/** A program without a health check that is still there after this long has not crashed at its start. */
const SETTLED_AFTER_MS = 1_000
/** For one answer where the service names no limit of its own. */
const ANSWER_TIMEOUT_MS = 2_000
/** Long enough for every honest request; a WebSocket has to come back anyway one day. */
const DRAIN_LIMIT_MS = 30_000
const DRAIN_POLL_MS = 250
/** Between SIGTERM and SIGKILL of a replica that is no longer asked. */
const STOP_GRACE_MS = 10_000

export function createContainerDriver(engine: DockerEngine, options: ContainerDriverOptions): ServiceDriver {
  const { instance, routes } = options

  async function roll(rollout: Rollout, hand: Hand): Promise<RollOutcome> {
    const proxy = isProxied(rollout) ? options.proxy : null
    try {
      const route = proxy === null ? null : await takePlaces(rollout, hand)
      if (route === 'full')
        return failed('no_capacity', 'two other releases of the service still hold all its places in the proxy')
      await startReplicas(rollout, hand, proxy, route)
      const failure = await untilHealthy(rollout, hand, proxy, route)
      if (failure !== null) return { kind: 'failed', failure: await withLog(rollout, failure) }
      if (route !== null) await turnTo(rollout, hand, route)
      await Promise.all(replicas(rollout).map((name) => updateReplica(engine, name, KEPT_RUNNING)))
      return { kind: 'rolled', warnings: [] }
    } catch (thrown) {
      if (hand.signal.aborted) throw thrown
      const refusal = engineFailure(thrown)
      if (refusal.kind === 'unreachable' || refusal.kind === 'cancelled') throw thrown
      if (/no such image/i.test(refusal.message)) return failed('image_missing', refusal.message)
      return failed(
        /cannot allocate|insufficient|no space|address/i.test(refusal.message) ? 'no_capacity' : 'refused',
        refusal.message,
      )
    }
  }

  /** Reserves the release's places; in the database first, so that a crash leaves no container without one. */
  async function takePlaces(rollout: Rollout, hand: Hand): Promise<Route | 'full'> {
    const claimed = await routes.claim(engine.host, rollout.serviceId, rollout.domains)
    const isFull = placesFor(claimed, rollout.releaseId, rollout.replicas) === null
    // Somebody was stopped between failing and clearing up: whatever neither serves nor is wanted makes room.
    const route = isFull ? await dismissOthers(rollout, [rollout.releaseId, servesRelease(claimed)], hand) : claimed
    const places = route === null ? null : placesFor(route, rollout.releaseId, rollout.replicas)
    if (route === null || places === null) return 'full'
    const placed = withPlaces(route, rollout.releaseId, places, rollout.port ?? 0)
    await routes.save(hand.lease, placed)
    return placed
  }

  async function startReplicas(
    rollout: Rollout,
    hand: Hand,
    proxy: TrafficProxy | null,
    route: Route | null,
  ): Promise<void> {
    const network = proxy === null ? null : (await proxy.ensure()).network
    const labels = rolloutLabels(instance, rollout)
    for (const [replica, name] of replicas(rollout).entries()) {
      hand.signal.throwIfAborted()
      if ((await inspectReplica(engine, name)) === null) {
        const slot = route === null ? undefined : slotsOf(route, rollout.releaseId)[replica]
        const isPlaced = proxy !== null && network !== null && route !== null && slot !== undefined
        const placement = isPlaced ? { network, address: await proxy.addressOf(route.backend, slot) } : null
        await createReplica(engine, containerRequest(rollout, labels, replica, placement))
      }
      await startReplica(engine, name)
      hand.note(`started ${name}`)
    }
  }

  /** Null when all replicas are healthy; else what is wrong with the first that is not. */
  async function untilHealthy(
    rollout: Rollout,
    hand: Hand,
    proxy: TrafficProxy | null,
    route: Route | null,
  ): Promise<Failed | null> {
    const deadline = performance.now() + rollout.deadlineMs
    for (const [replica, name] of replicas(rollout).entries()) {
      let last = 'it is starting'
      for (;;) {
        hand.signal.throwIfAborted()
        const answer = await ask(rollout, name, replica, proxy, route)
        if (answer.kind === 'healthy') break
        if (answer.kind === 'failed') return { ...answer, name }
        last = answer.why
        if (performance.now() > deadline) {
          return {
            kind: 'failed',
            failure: 'unhealthy',
            name,
            cause: `${name} was not healthy within ${rollout.deadlineMs / 1000} s: ${last}`,
          }
        }
        await delay(
          proxy === null ? LOOK_INTERVAL_MS : Math.min(rollout.healthcheck?.intervalMs ?? LOOK_INTERVAL_MS, 1_000),
          undefined,
          { signal: hand.signal },
        )
      }
    }
    return null
  }

  async function ask(
    rollout: Rollout,
    name: string,
    replica: number,
    proxy: TrafficProxy | null,
    route: Route | null,
  ): Promise<Answer> {
    const state = await inspectReplica(engine, name)
    const condition = replicaCondition(name, state, true)
    if (condition.kind === 'crashed') return { kind: 'failed', failure: 'crashed', cause: condition.cause }
    if (condition.kind === 'unhealthy') return { kind: 'failed', failure: 'unhealthy', cause: condition.cause }
    if (state?.health === 'starting') return { kind: 'not_yet', why: 'its own health check has not passed yet' }
    if (proxy !== null && route !== null) return probe(rollout, replica, proxy, route)
    const isSettled = state !== null && Date.now() - state.startedAt >= SETTLED_AFTER_MS
    return isSettled || state?.health === 'healthy'
      ? { kind: 'healthy' }
      : { kind: 'not_yet', why: 'it has only just started' }
  }

  async function probe(rollout: Rollout, replica: number, proxy: TrafficProxy, route: Route): Promise<Answer> {
    const slot = slotsOf(route, rollout.releaseId)[replica] ?? 0
    const path = rollout.healthcheck?.path ?? '/'
    const answer = await proxy.probe({
      address: await proxy.addressOf(route.backend, slot),
      port: rollout.port ?? 0,
      path,
      host: rollout.domains[0] ?? 'localhost',
      timeoutMs: rollout.healthcheck?.timeoutMs ?? ANSWER_TIMEOUT_MS,
    })
    if (answer.kind === 'no_answer')
      return { kind: 'not_yet', why: `port ${rollout.port} does not answer (${answer.cause})` }
    // Without a health check of its own, any answer shows that it listens.
    if (rollout.healthcheck === null || (answer.status >= 200 && answer.status < 400)) return { kind: 'healthy' }
    return { kind: 'not_yet', why: `GET ${path} answers ${answer.status}` }
  }

  async function turnTo(rollout: Rollout, hand: Hand, route: Route): Promise<void> {
    await routes.save(hand.lease, switchedTo(route, rollout.releaseId, rollout.domains))
    await applyTable(rollout.serviceId)
    hand.note(`requests go to ${rollout.sha.slice(0, 7)}`)
  }

  async function applyTable(serviceId: string): Promise<void> {
    const { proxy } = options
    if (proxy !== null) await routes.exclusively(engine.host, (table) => proxy.apply(table, serviceId))
  }

  async function look(rollout: Rollout, isTrial: boolean): Promise<Condition> {
    const route = isProxied(rollout) ? await routes.find(engine.host, rollout.serviceId) : null
    const serves = route === null ? rollout.releaseId : servesRelease(route)
    if (serves !== null && serves !== rollout.releaseId) return { kind: 'replaced', by: `release ${serves}` }
    const states = await Promise.all(
      replicas(rollout).map(async (name) => ({ name, state: await inspectReplica(engine, name) })),
    )
    if (states.every(({ state }) => state === null)) return { kind: 'absent' }
    for (const { name, state } of states) {
      const condition = replicaCondition(name, state, isTrial)
      if (condition.kind !== 'fine') {
        return {
          kind: 'failed',
          failure: await withLog(rollout, { kind: 'failed', failure: condition.kind, name, cause: condition.cause }),
        }
      }
    }
    return { kind: 'running' }
  }

  async function settle(rollout: Rollout, hand: Hand): Promise<void> {
    await dismissOthers(rollout, [rollout.releaseId], hand)
  }

  /** Ends all releases of the service but these, and gives their places back. */
  async function dismissOthers(rollout: Rollout, kept: readonly (string | null)[], hand: Hand): Promise<Route | null> {
    const route = isProxied(rollout) ? await routes.find(engine.host, rollout.serviceId) : null
    const left = (await containersOf(engine, instance, rollout.serviceId)).filter(
      (container) => !kept.includes(container.releaseId),
    )
    if (route !== null && options.proxy !== null) await drained(options.proxy, route, kept, hand)
    await Promise.all(left.map((container) => stopContainer(engine, container.id, STOP_GRACE_MS)))
    if (route === null || route.slots.every((slot) => kept.includes(slot.releaseId))) return route
    const cleared = { ...route, slots: route.slots.filter((slot) => kept.includes(slot.releaseId)) }
    await routes.save(hand.lease, cleared)
    await applyTable(rollout.serviceId)
    return cleared
  }

  async function drained(
    proxy: TrafficProxy,
    route: Route,
    kept: readonly (string | null)[],
    hand: Hand,
  ): Promise<void> {
    const leaving = route.slots
      .filter((slot) => !kept.includes(slot.releaseId) && slot.state === 'drain')
      .map((slot) => slot.slot)
    const deadline = performance.now() + (options.drainLimitMs ?? DRAIN_LIMIT_MS)
    while (leaving.length > 0 && performance.now() < deadline) {
      if ((await proxy.sessions(route.backend, leaving)) === 0) return
      await delay(DRAIN_POLL_MS, undefined, { signal: hand.signal })
    }
  }

  async function remove(service: { readonly id: string }, hand: Hand): Promise<void> {
    const route = await routes.find(engine.host, service.id)
    if (route !== null) {
      // Closed before it is given back: the next service to get this backend finds all its places off.
      await routes.save(hand.lease, { ...route, domains: [], slots: [] })
      await applyTable(service.id)
      await routes.drop(hand.lease, engine.host, service.id)
    }
    const left = await containersOf(engine, instance, service.id)
    await Promise.all(left.map((container) => stopContainer(engine, container.id, STOP_GRACE_MS)))
  }

  async function withLog(rollout: Rollout, { failure, name, cause }: Failed): Promise<RollFailure> {
    const state = await inspectReplica(engine, name)
    const tail = await logTail(engine, 'containers', name, createMasker(Object.values(rollout.secrets)))
    return { kind: failure, cause, exitCode: state?.hasEnded === true ? state.exitCode : null, logTail: tail }
  }

  function isProxied(rollout: Rollout): boolean {
    return (
      options.proxy !== null && rollout.port !== null && (rollout.domains.length > 0 || rollout.healthcheck !== null)
    )
  }

  return { kind: 'container', roll, look, settle, remove }
}

type Answer =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'not_yet'; readonly why: string }
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly cause: string }

interface Failed {
  readonly kind: 'failed'
  readonly failure: FailureKind
  readonly cause: string
  readonly name: string
}

function replicas(rollout: Rollout): readonly string[] {
  return Array.from({ length: rollout.replicas }, (_, replica) => replicaName(rollout, replica))
}

function slotsOf(route: Route, releaseId: string): readonly number[] {
  return route.slots
    .filter((slot) => slot.releaseId === releaseId)
    .map((slot) => slot.slot)
    .toSorted((one, other) => one - other)
}

function failed(kind: FailureKind, cause: string): RollOutcome {
  return { kind: 'failed', failure: { kind, cause, exitCode: null, logTail: [] } }
}
