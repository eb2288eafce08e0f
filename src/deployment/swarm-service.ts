/**
 * What a Swarm is asked for, and what its answers mean. Pure: requests are built and read as data.
 *
 * Swarm's own word is not enough. It calls an update that rolled back a success, forgets the update's state when only
 * labels change, goes on crashing after "completed", and waits for ever where no node fits. So each task carries the
 * ids of our release and deployment, and what counts is which tasks run.
 */
import { reveal } from '../core/secret.ts'
import type { Rollout } from './ports.ts'
import type { RollFailure } from './release.ts'

export interface SwarmService {
  readonly id: string
  /** Changes with every write; an update names the one it read. */
  readonly version: number
  readonly spec: SwarmSpec
  readonly updateState: string | null
  readonly updateMessage: string | null
}

/** The parts we read; everything else is passed on as it came. */
export interface SwarmSpec {
  readonly Name: string
  readonly Labels: Readonly<Record<string, string>>
  readonly TaskTemplate: Readonly<Record<string, unknown>> & { readonly ContainerSpec: SwarmContainerSpec }
  readonly Mode?: Readonly<Record<string, unknown>>
  readonly EndpointSpec?: { readonly Ports?: readonly SwarmPort[]; readonly [key: string]: unknown }
  readonly [key: string]: unknown
}

export interface SwarmContainerSpec {
  readonly Image: string
  readonly Env?: readonly string[]
  readonly Labels?: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}

export interface SwarmPort {
  readonly PublishMode?: string
  readonly [key: string]: unknown
}

export interface SwarmTask {
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
  readonly state: string
  readonly desiredState: string
  readonly error: string | null
  readonly exitCode: number | null
  readonly createdAt: number
}

/** The shortest that Swarm takes: health and bake are watched by us, and this time would only be added to theirs. */
const MONITOR_NANOSECONDS = 1_000_000
const NANOSECONDS = 1_000_000
/** Between two starts of a crashing task; Swarm's own default. */
const RESTART_DELAY_NANOSECONDS = 5_000_000_000
/** Names of the variables that we set, so that one that left the file leaves the service. */
const ENV_LABEL = 'slipway.env'
const SERVICE_LABEL = 'slipway.service'
/** The service was there before Slipway: it is updated, never removed. */
export const ADOPTED_LABEL = 'slipway.adopted'

export function imageReference(image: Rollout['image']): string {
  return image.digest ?? image.imageId
}

/** The whole specification; of a service that others made, only what is ours to change. */
export function swarmSpec(
  rollout: Rollout,
  labels: Readonly<Record<string, string>>,
  existing: SwarmSpec | null,
  publishes: boolean,
): SwarmSpec {
  const isAdopted =
    existing !== null && (existing.Labels[SERVICE_LABEL] === undefined || existing.Labels[ADOPTED_LABEL] === 'true')
  const base = isAdopted ? existing : newSpec(rollout, publishes)
  const variables = {
    ...rollout.env,
    ...Object.fromEntries(Object.entries(rollout.secrets).map(([name, secret]) => [name, reveal(secret)])),
  }
  const ports = base.EndpointSpec?.Ports ?? []
  const order = ports.some((port) => port.PublishMode === 'host') ? 'stop-first' : 'start-first'
  const change = {
    Parallelism: 1,
    Order: order,
    Monitor: MONITOR_NANOSECONDS,
    FailureAction: 'pause',
    MaxFailureRatio: 0,
  }
  return {
    ...base,
    Labels: {
      ...base.Labels,
      ...labels,
      [ENV_LABEL]: Object.keys(variables).join(),
      ...(isAdopted ? { [ADOPTED_LABEL]: 'true' } : {}),
    },
    TaskTemplate: {
      ...base.TaskTemplate,
      ContainerSpec: {
        ...base.TaskTemplate.ContainerSpec,
        Image: imageReference(rollout.image),
        Env: mergedEnv(isAdopted ? existing : null, variables),
        Labels: { ...base.TaskTemplate.ContainerSpec.Labels, ...labels },
        ...healthcheckOf(rollout),
      },
    },
    Mode: isAdopted && rollout.replicas === 1 ? (base.Mode ?? {}) : { Replicated: { Replicas: rollout.replicas } },
    UpdateConfig: change,
  }
}

function newSpec(rollout: Rollout, publishes: boolean): SwarmSpec {
  const ports =
    publishes && rollout.port !== null
      ? [{ Protocol: 'tcp', TargetPort: rollout.port, PublishedPort: rollout.port, PublishMode: 'ingress' }]
      : []
  return {
    Name: rollout.name,
    Labels: {},
    TaskTemplate: {
      ContainerSpec: { Image: '' },
      RestartPolicy: { Condition: 'any', Delay: RESTART_DELAY_NANOSECONDS },
      LogDriver: { Name: 'json-file', Options: { 'max-size': '10m', 'max-file': '3' } },
    },
    EndpointSpec: { Mode: 'vip', Ports: ports },
  }
}

function mergedEnv(existing: SwarmSpec | null, variables: Readonly<Record<string, string>>): readonly string[] {
  const formerlyOurs = (existing?.Labels[ENV_LABEL] ?? '').split(',')
  const kept = (existing?.TaskTemplate.ContainerSpec.Env ?? []).filter((entry) => {
    const name = entry.slice(0, entry.indexOf('='))
    return !(name in variables) && !formerlyOurs.includes(name)
  })
  return [...kept, ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)]
}

/**
 * Swarm asks from inside the container, with whatever the image has to ask with: curl, wget, nc. A wget that dies of a
 * signal (static builds of busybox do) is no answer. An image that has nothing cannot be asked and counts as healthy.
 */
const ASK = `
if command -v curl >/dev/null; then exec curl -fsSL -o /dev/null -m "$3" "http://127.0.0.1:$2$1"; fi
if command -v wget >/dev/null; then
  wget -q -O /dev/null -T "$3" "http://127.0.0.1:$2$1" 2>/dev/null
  code=$?
  [ $code -gt 125 ] || exit $((code != 0))
fi
if command -v nc >/dev/null; then
  printf 'GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' "$1" | nc -w "$3" 127.0.0.1 "$2" | head -n 1 | grep -q '^HTTP/[0-9.]* [23]'
  exit $?
fi
exit 0`

function healthcheckOf({ healthcheck, port }: Rollout): Readonly<Record<string, unknown>> {
  if (healthcheck === null || port === null) return {}
  const timeoutS = Math.max(1, Math.ceil(healthcheck.timeoutMs / 1000))
  return {
    Healthcheck: {
      Test: ['CMD', '/bin/sh', '-c', ASK, 'sh', healthcheck.path, String(port), String(timeoutS)],
      Interval: healthcheck.intervalMs * NANOSECONDS,
      Timeout: (healthcheck.timeoutMs + 1000) * NANOSECONDS,
      // As many questions as fit into the deadline; a failure before the first success does not end the task earlier.
      Retries: Math.max(1, Math.ceil(healthcheck.deadlineMs / healthcheck.intervalMs)),
      StartPeriod: 0,
    },
  }
}

export type SwarmVerdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'pending'; readonly waitsFor: string | null }
  | { readonly kind: 'failed'; readonly failure: RollFailure; readonly taskId: string | null }

const RUNS = 'running'
/** A task that ended by itself; one that was told to stop ends as `shutdown`. A service that exits with 0 has crashed too. */
const CRASHED = ['failed', 'rejected', 'orphaned', 'complete']

/**
 * How an update of ours stands.
 * @param isOurs whether a label says that the spec, and a task, belong to this very deployment
 */
export function swarmVerdict(
  rollout: Rollout,
  service: SwarmService,
  tasks: readonly SwarmTask[],
  isOurs: (labels: Readonly<Record<string, string>>) => boolean,
): SwarmVerdict {
  const { spec } = service
  if (
    !isOurs(spec.Labels) ||
    spec.TaskTemplate.ContainerSpec.Image.split('@').at(-1) !== imageReference(rollout.image).split('@').at(-1)
  ) {
    return failed('changed_by_others', `the service ${rollout.name} was changed by somebody else meanwhile`, null)
  }
  const own = tasks.filter((task) => isOurs(task.labels))
  const crashed = own
    .filter((task) => CRASHED.includes(task.state))
    .toSorted((one, other) => other.createdAt - one.createdAt)[0]
  if (crashed !== undefined) return taskFailure(rollout, crashed)
  const wanted = wantedTasks(spec, own)
  const running = own.filter((task) => task.state === RUNS && task.desiredState === RUNS)
  if (service.updateState !== null && !['updating', 'completed'].includes(service.updateState)) {
    return failed(
      'crashed',
      `Swarm stopped the update (${service.updateState}): ${service.updateMessage ?? 'no reason given'}`,
      null,
    )
  }
  if (running.length >= wanted && wanted > 0 && service.updateState !== 'updating') return { kind: 'done' }
  const waiting = own.find((task) => task.state === 'pending' && task.error !== null)
  return { kind: 'pending', waitsFor: waiting?.error ?? null }
}

function wantedTasks(spec: SwarmSpec, own: readonly SwarmTask[]): number {
  const replicated = spec.Mode?.['Replicated']
  if (typeof replicated === 'object' && replicated !== null && 'Replicas' in replicated)
    return Number(replicated.Replicas)
  // A global service runs once a node; Swarm has made a task for each.
  return own.filter((task) => task.desiredState === RUNS).length
}

function taskFailure(rollout: Rollout, task: SwarmTask): SwarmVerdict {
  const words = task.error ?? `ended with state ${task.state}`
  const code = task.exitCode
  if (/no such image/i.test(words))
    return failed('image_missing', `the host has no image ${imageReference(rollout.image)}: ${words}`, task)
  if (/unhealthy/i.test(words)) return failed('unhealthy', `a task of ${rollout.name} was not healthy: ${words}`, task)
  return failed(
    'crashed',
    `a task of ${rollout.name} ended${code === null ? '' : ` with exit code ${code}`}: ${words}`,
    task,
  )
}

function failed(kind: RollFailure['kind'], cause: string, task: SwarmTask | null): SwarmVerdict {
  return {
    kind: 'failed',
    failure: { kind, cause, exitCode: task?.exitCode ?? null, logTail: [] },
    taskId: task?.id ?? null,
  }
}
