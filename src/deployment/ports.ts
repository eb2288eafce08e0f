/** What deployments need from outside. Adapters implement it, `compose.ts` brings them together. */
import type {
  HealthcheckConfig,
  ImageConfig,
  ServiceConfig,
  ServiceDriver as DriverKind,
  UnikernelTarget,
} from '../config/repository-config.ts'
import type { DesiredDeployment } from '../core/deployment-report.ts'
import type { Lease } from '../core/lease.ts'
import type { Secret } from '../core/secret.ts'
import type { DeploymentState } from './deployment-state.ts'
import type { Deployment, Drift, Release, ReleaseImage, ReleaseOutcome, RollFailure, Service } from './release.ts'
import type { Route } from './route.ts'

/** One release on its way to one host. A driver finds what it already did for it by the ids, so it may be asked twice. */
export interface Rollout {
  readonly serviceId: string
  /** Name on the host. */
  readonly name: string
  readonly releaseId: string
  readonly runId: string
  readonly sha: string
  readonly image: ReleaseImage
  readonly port: number | null
  readonly domains: readonly string[]
  readonly replicas: number
  readonly healthcheck: HealthcheckConfig | null
  readonly env: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, Secret>>
  readonly unikernel: UnikernelTarget | null
  readonly isPreview: boolean
  /** Longest time until it runs and is healthy, in milliseconds. */
  readonly deadlineMs: number
}

/** The work in hand: its proof, its end, and where it tells what it does. */
export interface Hand {
  readonly lease: Lease
  readonly signal: AbortSignal
  note(line: string): void
}

export type RollOutcome =
  | { readonly kind: 'rolled'; readonly warnings: readonly string[] }
  | { readonly kind: 'failed'; readonly failure: RollFailure }

/** One look at a release that should be running. */
export type Condition =
  | { readonly kind: 'running' }
  | { readonly kind: 'failed'; readonly failure: RollFailure }
  /** Something else runs in its place: what. */
  | { readonly kind: 'replaced'; readonly by: string }
  | { readonly kind: 'absent' }

/** One way of running services on a host. `test/integration/deployment/driver-contract.ts` says what all must do. */
export interface ServiceDriver {
  readonly kind: DriverKind
  /**
   * Makes the release the one that runs and is reached, and returns when it does. Safe to repeat: what was begun by a
   * process that died is found and waited for, never begun again. Throws only when the host does not answer.
   */
  roll(rollout: Rollout, hand: Hand): Promise<RollOutcome>
  /** `isTrial`: it is being watched after a roll-out, so one crash is a failure even if it was started again since. */
  look(rollout: Rollout, isTrial: boolean): Promise<Condition>
  /** The release stays: ends what it replaced once nobody uses that any more. */
  settle(rollout: Rollout, hand: Hand): Promise<void>
  /** Removes the service from the host, as far as Slipway made it. */
  remove(service: Pick<Service, 'id' | 'name'>, hand: Hand): Promise<void>
}

/** Throws `config_invalid` for a host or driver that is not there. */
export type DriverOf = (host: string, kind: DriverKind) => ServiceDriver

/** Makes or finds images; the same builds as the deployability check. */
export interface ImageSource {
  /** Builds the image of the commit for the host, or finds the identical one. Throws `image_build_failed`, `timed_out`, `cancelled`. */
  ensureImage(
    wanted: {
      readonly repositoryId: number
      readonly sha: string
      readonly ref: string
      readonly treeSha: string | null
      readonly image: ImageConfig
      readonly host: string
      readonly runId: string
    },
    note: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ReleaseImage>
  /** Looks up an image from elsewhere (`{ref}`) and has it where it is to run. Throws `not_found`, `host_refused`. */
  resolveImage(ref: string, host: string, signal: AbortSignal): Promise<ReleaseImage>
}

/** Brings an image to a host that lacks it: from the registry it was published to, else streamed from Engine to Engine. */
export interface ImageDelivery {
  deliver(image: ReleaseImage, host: string, signal: AbortSignal): Promise<void>
  /** Removes images of ours that nothing needs any more; leaves everything else alone. */
  remove(imageIds: readonly string[], host: string): Promise<void>
}

/** Runs commands in a container of the new image; found again by its name after a crash. */
export interface HookRunner {
  run(
    host: string,
    hook: { readonly name: string; readonly command: string; readonly image: ReleaseImage; readonly rollout: Rollout },
    signal: AbortSignal,
  ): Promise<{ readonly exitCode: number; readonly logTail: readonly string[] }>
  /** Removes the containers of the run's hooks. */
  clear(host: string, runId: string): Promise<void>
}

export interface ServiceSecrets {
  /** The version of each secret as of now. Throws `config_invalid` for a name that no admin stored. */
  pin(repositoryId: number, names: readonly string[]): Promise<Readonly<Record<string, number>>>
  open(repositoryId: number, versions: Readonly<Record<string, number>>): Promise<Readonly<Record<string, Secret>>>
}

/** What a change of state brings with it; all of it is written in one transaction, or nothing. */
export interface DeploymentChange {
  readonly state: DeploymentState
  readonly direction?: 'forward' | 'back'
  readonly releaseId?: string
  readonly previousReleaseId?: string | null
  readonly failure?: RollFailure
  readonly warnings?: readonly string[]
  readonly releases?: readonly { readonly id: string; readonly outcome: ReleaseOutcome; readonly reason?: string }[]
  readonly service?: {
    readonly liveReleaseId?: string | null
    readonly heldSha?: string | null
    readonly expiresAt?: Date | null
  }
  /** What GitHub's Deployments should show by now; of this run and of others that it ends. */
  readonly reports?: readonly { readonly runId: string; readonly desired: DesiredDeployment }[]
  /** While it waits for a person its limit stands still. */
  readonly pausesLimit?: boolean
  readonly outbox?: readonly OutboxMessage[]
}

export interface OutboxMessage {
  /** Whoever says it twice with the same key says it once. */
  readonly key: string
  readonly channel: 'slack' | 'webhook'
  readonly body: Readonly<Record<string, unknown>>
}

export interface NewRelease {
  readonly serviceId: string
  readonly runId: string
  readonly sha: string
  readonly image: ReleaseImage
  readonly config: ServiceConfig
  readonly secretVersions: Readonly<Record<string, number>>
}

export interface DeploymentStore {
  /** The deployment of a run, made at the first call. */
  open(runId: string, serviceId: string): Promise<Deployment>
  get(runId: string): Promise<Deployment | null>
  /** Throws `lease_lost` when another process works on it, `internal` for a step that the states do not allow. */
  change(lease: Lease, runId: string, change: DeploymentChange): Promise<Deployment>
  overrideFreeze(runId: string, by: string, reason: string): Promise<void>
  /** Newest first. */
  list(serviceId: string, limit: number): Promise<readonly Deployment[]>
}

/** What keeps deployments from being left behind. */
export interface DeploymentUpkeep {
  /** Deployments whose run was ended from outside before the host was touched end as well. */
  closeEnded(): Promise<void>
  /** Deployments that changed a host and that nobody works on any more get a job again. */
  resumeAbandoned(jobKind: string): Promise<void>
  /** Whatever waits for this service looks again now. */
  wake(serviceId: string): Promise<void>
}

export interface ReleaseStore {
  /** One release a run: asked again, the same. */
  prepare(lease: Lease, release: NewRelease): Promise<Release>
  get(releaseId: string): Promise<Release | null>
  list(serviceId: string, limit: number): Promise<readonly Release[]>
  markApproved(releaseId: string, by: string): Promise<void>
  /** Image ids on a host that a live or kept release needs. */
  neededImages(host: string, keep: number): Promise<ReadonlySet<string>>
  /** Releases past the newest `keep` of their service, not live, whose image is still there. */
  prunable(
    keep: number,
  ): Promise<readonly { readonly releaseId: string; readonly imageId: string; readonly host: string }[]>
  markPruned(releaseIds: readonly string[]): Promise<void>
}

export interface NewService {
  readonly repositoryId: number
  readonly key: string
  readonly pullRequest: number | null
  readonly branch: string
  readonly host: string
  readonly driver: DriverKind
  readonly name: string
  readonly environment: string
  readonly url: string | null
  readonly expiresInMs: number | null
}

export interface ServiceStore {
  /** Makes the service or brings it up to what the file says; `conflict` when its name on the host is another's. */
  keep(service: NewService): Promise<Service>
  get(serviceId: string): Promise<Service | null>
  find(repositoryId: number, key: string, pullRequest: number | null): Promise<Service | null>
  list(filter?: {
    readonly repositoryId?: number
    readonly host?: string
    readonly includeRemoved?: boolean
  }): Promise<readonly Service[]>
  lock(
    serviceId: string,
    lock: { readonly by: string; readonly reason: string; readonly until: Date | null },
  ): Promise<Service>
  unlock(serviceId: string): Promise<Service>
  setHeldSha(serviceId: string, sha: string | null): Promise<void>
  setDrift(serviceId: string, drift: Drift | null): Promise<void>
  markRemoved(serviceId: string): Promise<void>
  /** Previews past their time, and those whose pull request is closed. */
  endedPreviews(): Promise<readonly Service[]>
}

/** The commit that should be live, as last learned from GitHub; null when the branch or pull request is gone or unknown. */
export type HeadOf = (service: Service) => Promise<string | null>

/** Who approved an image for an environment; tied to its digest, so that another image needs another approval. */
export interface DeploymentApprovals {
  approve(repositoryId: number, image: ReleaseImage, environment: string, by: string): Promise<void>
  approvedBy(repositoryId: number, image: ReleaseImage, environment: string): Promise<string | null>
}

/** The proxies' tables. One writer at a time a host, whatever process it is in. */
export interface RouteStore {
  /** The service's place in the host's proxy, taken at the first call. Throws `conflict`: full, or a domain of another service. */
  claim(host: string, serviceId: string, domains: readonly string[]): Promise<Route>
  save(lease: Lease, route: Route): Promise<void>
  drop(lease: Lease, host: string, serviceId: string): Promise<void>
  find(host: string, serviceId: string): Promise<Route | null>
  list(host: string): Promise<readonly Route[]>
  /** Runs `apply` with the host's whole table while nobody else applies one. */
  exclusively<Result>(host: string, apply: (routes: readonly Route[]) => Promise<Result>): Promise<Result>
  hostsWithRoutes(): Promise<readonly string[]>
}

export type ProbeOutcome =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'no_answer'; readonly cause: string }

/** The proxy of one host, that answers for its services whether Slipway runs or not. */
export interface TrafficProxy {
  /** Its own container and network are there and run; returns the network's name. */
  ensure(): Promise<{ readonly network: string }>
  /** Where on its network a replica has to live to be reached. */
  addressOf(backend: number, slot: number): Promise<string>
  /**
   * Brings the running proxy, and the configuration it would restart with, to this table. `only` names the service
   * whose places have changed; without it all places are set.
   */
  apply(routes: readonly Route[], only?: string): Promise<void>
  /** Requests and upgraded connections that these places still serve. */
  sessions(backend: number, slots: readonly number[]): Promise<number>
  /** One HTTP request from where the proxy stands. */
  probe(target: {
    readonly address: string
    readonly port: number
    readonly path: string
    readonly host: string
    readonly timeoutMs: number
  }): Promise<ProbeOutcome>
}

/** What the proxy's adapter needs of an Engine. */
export interface ProxyEngine {
  readonly host: string
  /** Id of this installation, for labels. */
  readonly instance: string
  ensureNetwork(name: string): Promise<{ readonly subnet: string }>
  /** Runs the container as described; one of another fingerprint is replaced. A new one gets `files` before it starts. */
  ensureContainer(
    wanted: ProxyContainer,
    files: () => Promise<Readonly<Record<string, string>>>,
  ): Promise<{ readonly id: string; readonly startedNow: boolean }>
  writeFiles(containerId: string, files: Readonly<Record<string, string>>): Promise<void>
  exec(containerId: string, argv: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }>
}

export interface ProxyContainer {
  readonly name: string
  readonly image: string
  readonly network: string
  readonly address: string
  /** Inside to outside. */
  readonly ports: Readonly<Record<number, number>>
  readonly command: readonly [string, ...string[]]
  /** Folder on the host to folder inside, read-only. */
  readonly folders: Readonly<Record<string, string>>
  /** Changes when the container has to be made anew. */
  readonly fingerprint: string
}
