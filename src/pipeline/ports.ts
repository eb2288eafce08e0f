/** What stages need from outside. `docker/`, `git/`, `store/`, `blobs/` and `logs/` implement it; `compose.ts` joins them. */
import type { Readable } from 'node:stream'
import type { BlobStore } from '../core/blob-store.ts'
import type { DesiredCheck } from '../core/check.ts'
import type { Clock } from '../core/clock.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { Conclusion } from '../core/run.ts'
import type { LogResume, RunLogs } from '../core/run-log.ts'
import type { Secret } from '../core/secret.ts'
import type { StageReport } from '../core/stage-report.ts'
import type { NetworkMode, ResourcesConfig, Variables } from '../config/repository-config.ts'

/** Where a run's volume is mounted in every step, and the folder below it that holds the source. */
export const VOLUME_PATH = '/slipway'
export const WORKSPACE_PATH = `${VOLUME_PATH}/workspace`
export const WORKSPACE_FOLDER = 'workspace'

export interface StageContainer {
  /** The same for the same step of the same attempt, so that whoever takes over finds it. */
  readonly name: string
  readonly run: string
  /** Which step or service it is, for its label. */
  readonly step: string
  readonly image: string
  readonly entrypoint: readonly string[] | null
  readonly command: readonly string[] | null
  readonly env: Variables
  /** Mounted at `VOLUME_PATH`; null for services. */
  readonly volume: string | null
  readonly network: ContainerNetwork
  readonly resources: ResourcesConfig
  /** True for services: databases start as root and then give up their rights. */
  readonly mayOwnFiles: boolean
}

export type ContainerNetwork =
  | { readonly kind: NetworkMode }
  | { readonly kind: 'named'; readonly name: string; readonly aliases: readonly string[] }

export type ContainerOutcome =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly oomKilled: boolean; readonly logsExact: boolean }
  /** The user's: no such program in the image. */
  | { readonly kind: 'start_failed'; readonly message: string }
  | { readonly kind: 'ended' }
  | { readonly kind: 'infrastructure'; readonly message: string }

export interface FoundContainer {
  readonly id: string
  readonly state: 'created' | 'running' | 'exited'
}

export type OutputSink = (output: { readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer }) => void

export interface FollowContainer {
  readonly sink: OutputSink
  /** Ends the processes: TERM, then KILL after the grace. */
  readonly signal: AbortSignal
  readonly graceMs: number
}

export interface WorkspaceFile {
  readonly path: string
  readonly type: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  readonly mode: number
  /** Must be read or resumed before the next file comes. */
  readonly content: Readable
}

/** A Docker host as stages see it. Everything it makes carries the labels of this installation and of the run. */
export interface StageHost {
  readonly name: string
  /** Fetches it where it is missing. */
  ensureImage(
    reference: string,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'ready' } | { readonly kind: 'missing' | 'failed'; readonly message: string }>
  ensureVolume(name: string, run: string): Promise<void>
  ensureNetwork(name: string, run: string, isInternal: boolean): Promise<void>
  /** One that has the name already is found instead. */
  createContainer(
    container: StageContainer,
  ): Promise<
    | { readonly kind: 'ready'; readonly found: FoundContainer }
    | { readonly kind: 'missing_image' | 'refused'; readonly message: string }
  >
  findContainer(name: string): Promise<FoundContainer | null>
  /** Unpacks files and then a tar stream into the container's volume, before it has started. */
  fill(
    containerId: string,
    files: readonly { readonly path: string; readonly mode: number; readonly text: string }[],
    tree: Readable | null,
    signal: AbortSignal,
  ): Promise<void>
  /** Unpacks a tar stream into the container's volume. */
  unpack(containerId: string, tar: Readable, signal: AbortSignal): Promise<void>
  /** Starts it and follows it to its end. */
  start(containerId: string, follow: FollowContainer): Promise<ContainerOutcome>
  /** Follows one that an earlier process started. */
  adopt(
    containerId: string,
    resume: { readonly stdout: LogResume; readonly stderr: LogResume },
    follow: FollowContainer,
  ): Promise<ContainerOutcome>
  exec(containerId: string, argv: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }>
  /** Files below a path of the container, or the one file; links are not followed. Empty when there is nothing. */
  files(containerId: string, path: string): AsyncIterable<WorkspaceFile>
  /** A folder or file as a tar stream; null when it is not there. Entries begin with its last name. */
  tar(containerId: string, path: string): Promise<Readable | null>
  /** Removes the containers, networks and volumes of a run, or of one of its attempts. Returns what is still there. */
  removeAll(run: string): Promise<readonly string[]>
}

/** The commit's files. */
export interface StageSource {
  /** A tar stream of the tree, everything below `workspace/`, readable and writable for every user. */
  tree(): Readable
  /** A digest over the files that match, null when none does. */
  hashFiles(pattern: string): Promise<string | null>
}

export type OpenSource = (
  repository: RepositoryRef,
  sha: string,
  ref: string,
  signal: AbortSignal,
) => Promise<StageSource>

export interface CacheEntry {
  readonly key: string
  readonly sha256: string
  readonly size: number
}

export interface CacheStore {
  /** The entry of exactly that key in the first scope that has it. Marks it as used. */
  find(repositoryId: number, scopes: readonly string[], key: string): Promise<CacheEntry | null>
  /** The newest entry whose key begins so. Marks it as used. */
  findByPrefix(repositoryId: number, scopes: readonly string[], prefix: string): Promise<CacheEntry | null>
  keep(
    entry: CacheEntry & { readonly repositoryId: number; readonly scope: string; readonly stage: string },
  ): Promise<void>
}

export interface ArtifactRecord {
  readonly id: string
  readonly runId: string
  readonly name: string
  /** Within the workspace. */
  readonly path: string
  readonly size: number
  readonly sha256: string
  readonly expiresAt: Date | null
}

export interface ArtifactStore {
  /** Idempotent by run and path. */
  keep(artifact: Omit<ArtifactRecord, 'id' | 'expiresAt'> & { readonly expireMs: number }): Promise<void>
  list(runId: string): Promise<readonly ArtifactRecord[]>
  get(id: string): Promise<ArtifactRecord | null>
}

export interface HeldInstance {
  readonly domain: string
  readonly url: string
  readonly token: Secret
}

export type InstanceAnswer =
  | { readonly kind: 'held'; readonly instance: HeldInstance }
  | { readonly kind: 'waiting'; readonly place: number; readonly estimateMs: number | null }
  | { readonly kind: 'refused'; readonly message: string }

/** What a stage knows of its run; also filled by `slipway run`, which has no database. */
export interface StageIdentity {
  readonly runId: string
  readonly repositoryId: number
  /** `owner/name`. */
  readonly repository: string
  readonly sha: string
}

/** Where the state of a stage is kept while it runs. Throws `lease_lost` when it is no longer ours. */
export interface StageRecorder {
  readonly known: StageReport | null
  save(report: StageReport, story?: string): Promise<void>
}

export interface StageEnd {
  readonly conclusion: Conclusion
  readonly reason: string | null
  readonly report: StageReport
  readonly durationMs: number
}

export type Interruption =
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'lost' }

export interface StageWords {
  progress(name: string, report: StageReport): DesiredCheck
  end(name: string, end: StageEnd): DesiredCheck
  inLine(pool: string, place: number, estimateMs: number | null): DesiredCheck
}

export interface StagePorts {
  readonly host: StageHost
  readonly checkout: StageSource
  readonly logs: RunLogs
  readonly caches: CacheStore
  readonly cacheBlobs: BlobStore
  readonly artifacts: ArtifactStore
  readonly artifactBlobs: BlobStore
  readonly clock: Clock
}
