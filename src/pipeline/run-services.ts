/** What runs beside the steps: databases and the like, on a network of the run's own, awaited until they are ready. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ReadyConfig, StageServiceConfig } from '../config/repository-config.ts'
import { formatDuration } from '../core/duration.ts'
import type { LogSource } from '../core/run-log.ts'
import type { ContainerNetwork, ContainerOutcome } from './ports.ts'
import { logName, objectName, type StageContext } from './stage-context.ts'

/** Looking costs one exec in the service's container. */
const READY_POLL_MS = 250
/** Services have nothing to save: their data goes with the run. */
const SERVICE_GRACE_MS = 1_000

export type ServicesAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'trouble'; readonly cause: 'exit' | 'infra' | 'timeout'; readonly message: string }

/** Steps and services of one attempt meet here; without services no network has to be made, which saves its time. */
export function stageNetwork(context: StageContext): ContainerNetwork {
  const { services, network } = context.plan.config
  if (Object.keys(services).length === 0) return { kind: network }
  return { kind: 'named', name: objectName(context.identity.runId, context.state.attempt().number), aliases: [] }
}

/** Starts the services that do not run yet and waits for them. Ends them all when `signal` fires. */
export async function startServices(context: StageContext, signal: AbortSignal): Promise<ServicesAnswer> {
  const services = Object.values(context.plan.config.services)
  if (services.length === 0) return { kind: 'ready' }
  const network = stageNetwork(context)
  if (network.kind === 'named')
    await context.host.ensureNetwork(network.name, context.identity.runId, context.plan.config.network === 'none')
  const answers = await Promise.all(services.map((service) => startService(context, service, network, signal)))
  return answers.find((answer) => answer.kind === 'trouble') ?? { kind: 'ready' }
}

async function startService(
  context: StageContext,
  service: StageServiceConfig,
  network: ContainerNetwork,
  signal: AbortSignal,
): Promise<ServicesAnswer> {
  const { host, identity, log, plan } = context
  const attempt = context.state.attempt().number
  const created = await host.createContainer({
    name: objectName(identity.runId, attempt, `service-${service.key}`),
    run: identity.runId,
    step: service.key,
    image: service.image,
    entrypoint: null,
    command: service.command.length === 0 ? null : service.command,
    env: service.env,
    volume: null,
    network: network.kind === 'named' ? { ...network, aliases: [service.key] } : network,
    resources: plan.config.resources,
    mayOwnFiles: true,
  })
  if (created.kind !== 'ready') {
    return {
      kind: 'trouble',
      cause: created.kind === 'missing_image' ? 'exit' : 'infra',
      message: `service ${service.key}: ${created.message}`,
    }
  }
  const name = logName(`service ${service.key}`, attempt)
  const sources = { stdout: { step: name, out: 'out' }, stderr: { step: name, out: 'err' } } as const satisfies Record<
    string,
    LogSource
  >
  const { found } = created
  const follow = {
    sink: (output: { readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer }) =>
      void log.write(sources[output.stream], output.bytes),
    signal,
    graceMs: SERVICE_GRACE_MS,
  }
  let ended: ContainerOutcome | null = null
  const end =
    found.state === 'created'
      ? host.start(found.id, follow)
      : host.adopt(found.id, { stdout: log.resumeAt(sources.stdout), stderr: log.resumeAt(sources.stderr) }, follow)
  void end.then(
    (outcome) => (ended = outcome),
    (error: unknown) => (ended = { kind: 'infrastructure', message: String(error) }),
  )
  return untilReady(context, service, found.id, () => ended, signal)
}

async function untilReady(
  context: StageContext,
  service: StageServiceConfig,
  id: string,
  ended: () => ContainerOutcome | null,
  signal: AbortSignal,
): Promise<ServicesAnswer> {
  const { ready, key } = service
  if (ready === null) return { kind: 'ready' }
  const deadline = context.clock.monotonic() + ready.timeoutMs
  while (!signal.aborted) {
    const outcome = ended()
    if (outcome !== null)
      return {
        kind: 'trouble',
        cause: 'exit',
        message: `service ${key} ended before it was ready${outcomeWords(outcome)}`,
      }
    if (await isReady(context, id, ready)) {
      await context.log.note(`service ${key} is ready`)
      return { kind: 'ready' }
    }
    if (context.clock.monotonic() > deadline) {
      return {
        kind: 'trouble',
        cause: 'timeout',
        message: `service ${key} was not ready within ${formatDuration(ready.timeoutMs)}`,
      }
    }
    await delay(READY_POLL_MS, undefined, { signal }).catch(() => undefined)
  }
  return { kind: 'ready' }
}

async function isReady(context: StageContext, id: string, ready: ReadyConfig): Promise<boolean> {
  try {
    if (ready.kind === 'command') return (await context.host.exec(id, ready.command)).exitCode === 0
    const { output } = await context.host.exec(id, ['cat', '/proc/net/tcp', '/proc/net/tcp6'])
    return listensOn(output, ready.port)
  } catch {
    // Not running yet, or no longer: the caller sees the latter by its end.
    return false
  }
}

const LISTENING = '0A'
const LOOPBACK = /^(0100007F|00000000000000000000000001000000):/

/** Whether something listens on a port for others than its own machine, by the kernel's table of sockets. */
export function listensOn(table: string, port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/)
    return state === LISTENING && local.endsWith(wanted) && !LOOPBACK.test(local)
  })
}

function outcomeWords(outcome: ContainerOutcome): string {
  if (outcome.kind === 'exited') return ` with exit code ${outcome.exitCode}`
  return outcome.kind === 'ended' ? '' : `: ${outcome.message}`
}
