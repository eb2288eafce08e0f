/** What runs, what ran, and what is being put in place. */
import type { ServiceConfig, ServiceDriver as DriverKind } from '../config/repository-config.ts'
import type { DeploymentState } from './deployment-state.ts'

/** One thing that is deployed: a service of a live branch, or its copy for one pull request. */
export interface Service {
  readonly id: string
  readonly repositoryId: number
  /** The key in slipway.yml. */
  readonly key: string
  /** Set for a preview. */
  readonly pullRequest: number | null
  readonly branch: string
  readonly host: string
  readonly driver: DriverKind
  /** Its name on the host. */
  readonly name: string
  readonly environment: string
  readonly url: string | null
  readonly liveReleaseId: string | null
  /** A commit that was rolled back: it stays back until a newer one comes or a person asks for it. */
  readonly heldSha: string | null
  readonly lock: ServiceLock | null
  readonly drift: Drift | null
  /** When a preview goes. */
  readonly expiresAt: Date | null
  readonly removedAt: Date | null
}

export interface ServiceLock {
  readonly by: string
  readonly reason: string
  /** Null: until somebody unlocks it. */
  readonly until: Date | null
  readonly since: Date
}

export interface Drift {
  readonly found: string
  readonly since: Date
}

export interface ReleaseImage {
  /** The Engine's id of the image, `sha256:...`. */
  readonly imageId: string
  /** `repository@sha256:...` where it was published, else null. */
  readonly digest: string | null
  /** The host that has it for certain: where it was built. */
  readonly host: string
}

/** Everything that is needed to run this version again, without a build and without the repository. */
export interface Release {
  readonly id: string
  readonly serviceId: string
  /** 1, 2, 3 ... within the service. */
  readonly number: number
  readonly sha: string
  readonly image: ReleaseImage
  readonly config: ServiceConfig
  /** Version of each secret as it was then. */
  readonly secretVersions: Readonly<Record<string, number>>
  readonly runId: string
  readonly approvedBy: string | null
  readonly outcome: ReleaseOutcome
  readonly reason: string | null
  readonly createdAt: Date
  readonly liveSince: Date | null
  readonly liveUntil: Date | null
  /** Its image was removed by retention; it can no longer be rolled back to. */
  readonly isPruned: boolean
}

export const RELEASE_OUTCOMES = ['prepared', 'live', 'replaced', 'rolled_back', 'failed', 'dropped'] as const
/** `dropped`: prepared but never rolled out, because a newer commit or a person came first. */
export type ReleaseOutcome = (typeof RELEASE_OUTCOMES)[number]

/** A release that was live once and whose image is kept: something that may be gone back to. */
export function isGoodRelease(release: Release): boolean {
  return (
    release.liveSince !== null && release.outcome !== 'failed' && release.outcome !== 'rolled_back' && !release.isPruned
  )
}

/** One run of kind `deployment`, in its own words. */
export interface Deployment {
  readonly runId: string
  readonly serviceId: string
  readonly state: DeploymentState
  /** `back`: the host is being brought back to `previousReleaseId`. */
  readonly direction: 'forward' | 'back'
  readonly releaseId: string | null
  /** What was live when the roll-out began. */
  readonly previousReleaseId: string | null
  readonly failure: RollFailure | null
  /** A person who let it pass a freeze, and why. */
  readonly freezeOverride: { readonly by: string; readonly reason: string } | null
  /** Milliseconds in the present state, on the database's clock. */
  readonly inStateMs: number
  /** What a person should know although it went well. */
  readonly warnings: readonly string[]
  /** When each state began, for the page and the bench. */
  readonly timeline: readonly { readonly state: DeploymentState; readonly at: string }[]
}

export const FAILURE_KINDS = [
  'unhealthy',
  'crashed',
  'image_missing',
  'no_capacity',
  'timed_out',
  'refused',
  'unreachable',
  'hook_failed',
  'build_failed',
  'changed_by_others',
  'not_allowed',
  'held',
  'superseded',
  'cancelled',
] as const
export type FailureKind = (typeof FAILURE_KINDS)[number]

export interface RollFailure {
  readonly kind: FailureKind
  /** One sentence with the host's own words. */
  readonly cause: string
  readonly exitCode: number | null
  /** The last lines the failing process wrote. */
  readonly logTail: readonly string[]
}
