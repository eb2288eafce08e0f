/** What an Engine is asked for to run one replica of a release. Pure data; `docker/services/container-driver.ts` sends it. */
import { reveal } from '../core/secret.ts'
import type { Rollout } from './ports.ts'
import { imageReference } from './swarm-service.ts'

export interface Placement {
  readonly network: string
  readonly address: string
}

export interface ContainerRequest {
  readonly name: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Characters of a release's id in a container's name: enough to tell a service's releases apart. */
const RELEASE_CHARACTERS = 8

/** The same release always has the same names, so nobody starts a second set of it. */
export function replicaName(rollout: Pick<Rollout, 'name' | 'releaseId'>, replica: number): string {
  return `${rollout.name}-${rollout.releaseId.slice(0, RELEASE_CHARACTERS)}-${replica + 1}`
}

export function containerRequest(
  rollout: Rollout,
  labels: Readonly<Record<string, string>>,
  replica: number,
  placement: Placement | null,
): ContainerRequest {
  const secrets = Object.entries(rollout.secrets).map(([name, secret]) => `${name}=${reveal(secret)}`)
  return {
    name: replicaName(rollout, replica),
    body: {
      Image: imageReference(rollout.image),
      Env: [...Object.entries(rollout.env).map(([name, value]) => `${name}=${value}`), ...secrets],
      Labels: labels,
      HostConfig: {
        // None while it is tried: a crash has to be seen, not mended. `keptRunning` follows when it is trusted.
        RestartPolicy: { Name: 'no' },
        SecurityOpt: ['no-new-privileges'],
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
        ...(placement === null ? {} : { NetworkMode: placement.network }),
      },
      ...(placement === null
        ? {}
        : {
            NetworkingConfig: {
              EndpointsConfig: {
                [placement.network]: { IPAMConfig: { IPv4Address: placement.address }, Aliases: [rollout.name] },
              },
            },
          }),
    },
  }
}

/** After the trial the Engine keeps it running, also when Slipway is away. */
export const KEPT_RUNNING = { RestartPolicy: { Name: 'unless-stopped' } } as const

export interface ReplicaState {
  readonly id: string
  readonly isRunning: boolean
  /** It was started and has ended. */
  readonly hasEnded: boolean
  readonly exitCode: number
  readonly error: string
  readonly isOutOfMemory: boolean
  /** Of the image's own HEALTHCHECK; null when it has none. */
  readonly health: string | null
  readonly restarts: number
  readonly startedAt: number
}

export type ReplicaCondition =
  | { readonly kind: 'fine' }
  | { readonly kind: 'crashed'; readonly cause: string }
  | { readonly kind: 'unhealthy'; readonly cause: string }

/** Judges a replica by what its Engine says; whether it answers is asked over HTTP besides. */
export function replicaCondition(name: string, state: ReplicaState | null, isTrial: boolean): ReplicaCondition {
  if (state === null) return { kind: 'crashed', cause: `the container ${name} is gone` }
  if (state.isOutOfMemory) return { kind: 'crashed', cause: `the container ${name} was ended at its memory limit` }
  if (state.hasEnded)
    return {
      kind: 'crashed',
      cause: `the container ${name} ended with exit code ${state.exitCode}${state.error === '' ? '' : `: ${state.error}`}`,
    }
  if (isTrial && state.restarts > 0)
    return { kind: 'crashed', cause: `the container ${name} ended and was started again ${state.restarts} times` }
  if (state.health === 'unhealthy')
    return { kind: 'unhealthy', cause: `the health check of the container ${name} fails` }
  return { kind: 'fine' }
}
