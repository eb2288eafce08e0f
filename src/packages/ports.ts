/** What packages need from outside. Each method of a store is one transaction and safe to repeat. */
import type { Readable } from 'node:stream'
import type { Named, PackageConfig, Variables } from '../config/repository-config.ts'
import type { RepositoryLimits } from '../config/server-config.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { Lease } from '../core/lease.ts'
import type { Letter, ReleasedFile } from '../core/package-report.ts'
import type { Conclusion, RunState } from '../core/run.ts'

/** Who asks, as the door found out. */
export interface Viewer {
  /** For the record: a login, a token's name, or `anonymous`. */
  readonly actor: string
  /** May ask for builds and retire versions. */
  readonly mayWrite: boolean
  /** Private repositories whose packages may be read, by id. */
  readonly privateRepositories: 'all' | readonly number[]
}

export interface PackageRecord {
  readonly id: string
  readonly repositoryId: number
  readonly owner: string
  readonly repository: string
  readonly name: string
  readonly isPrivate: boolean
  readonly htmlUrl: string
  readonly cloneUrl: string
}

export interface VersionRecord {
  readonly id: string
  readonly tag: string
  readonly sha: string
  /** The commit that the tag names by now, when it is another one. */
  readonly movedTo: string | null
  readonly tagDeletedAt: Date | null
  readonly retired: { readonly at: Date; readonly reason: string; readonly by: string } | null
  readonly createdAt: Date
}

export interface ArtifactRecord extends ReleasedFile {
  readonly runId: string
  readonly publishedAt: Date
}

export interface BuildRecord {
  readonly runId: string
  /** Rises with every build of the installation. */
  readonly sequence: string
  readonly package: PackageRecord
  readonly version: VersionRecord
  readonly axes: Variables
  readonly variant: string
  readonly attempt: number
  readonly sha: string
  readonly runState: RunState
  readonly conclusion: Conclusion | null
  readonly reason: string | null
  readonly result: unknown
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly completedAt: Date | null
  /** What was released for this version and variant, by whichever attempt. */
  readonly artifact: ArtifactRecord | null
}

/** Which commit may publish as a version. */
export type VersionClaim =
  | { readonly kind: 'bound'; readonly versionId: string }
  /** Another commit was released, or is being built, under this tag. */
  | { readonly kind: 'moved'; readonly versionId: string; readonly sha: string }

export type PublishResult =
  | { readonly kind: 'published' }
  | { readonly kind: 'exists'; readonly artifact: ArtifactRecord }
  | { readonly kind: 'moved'; readonly sha: string }

export interface NewArtifact extends ReleasedFile {
  /** DSSE envelope. */
  readonly provenance: unknown
}

export interface PackageStore {
  /** Binds the tag to the commit unless another one was released or is being built under it. */
  claimVersion(claim: {
    readonly repository: RepositoryRef
    readonly package: string
    readonly tag: string
    readonly sha: string
    readonly sortKey: string
  }): Promise<VersionClaim>
  recordBuild(build: {
    readonly runId: string
    readonly versionId: string
    readonly axes: Variables
    readonly variant: string
  }): Promise<void>
  build(runId: string): Promise<BuildRecord | null>
  /** Throws `lease_lost` when another process has the build by now. */
  publish(lease: Lease, runId: string, artifact: NewArtifact): Promise<PublishResult>
  /** False when there is no such version. */
  retire(versionId: string, retired: { readonly reason: string; readonly by: string } | null): Promise<boolean>
  provenance(sha256: string, viewer: Viewer): Promise<unknown>
  /** The released file with this digest, the first that the viewer may read. */
  artifact(sha256: string, viewer: Viewer): Promise<(ArtifactRecord & { readonly isPrivate: boolean }) | null>

  /** Of these tags, those that were not looked at yet for the commit they name now. */
  unseenTags(repositoryId: number, tags: readonly TagRef[]): Promise<readonly TagRef[]>
  seeTag(repositoryId: number, tag: TagRef): Promise<void>
  /** Marks the versions of tags that are gone; what was released stays. Null: all that are not among `present`. */
  markDeletedTags(repositoryId: number, present: readonly string[]): Promise<void>
  markDeletedTag(repositoryId: number, tag: string): Promise<void>
}

export interface TagRef {
  readonly tag: string
  /** The commit; annotated tags are peeled. */
  readonly sha: string
}

export type NameMatch = 'exact' | 'prefix' | 'substring'

export interface PackageSummary {
  readonly package: PackageRecord
  readonly versions: number
  /** The newest release that is no pre-release, else the newest pre-release. */
  readonly latest: string | null
  readonly latestPublishedAt: Date | null
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Where the next page begins; null at the end. */
  readonly next: string | null
}

/** Filters are exact and case-sensitive; null is off. */
export interface BuildFilter {
  readonly packageId?: string
  readonly name?: string
  readonly owner?: string
  readonly tag?: string
  readonly erlVersion?: string
  /** One build for each version and variant: what was released, else the newest that ended. */
  readonly isCollapsed?: boolean
  readonly isReleased?: boolean
  /** Ended well, whether it released anything or not. */
  readonly isSuccessful?: boolean
  /** Of versions that are not retired. */
  readonly isCurrent?: boolean
  readonly isCompleted?: boolean
  readonly before?: string
  readonly limit: number
}

/** Reading, bounded: every answer is at most a page, found through an index. Private packages show only to who may. */
export interface PackageCatalogue {
  findPackage(owner: string, name: string, viewer: Viewer): Promise<PackageRecord | null>
  packagesOf(repositoryId: number): Promise<readonly PackageRecord[]>
  /** Case-insensitive, by `owner/name`, in alphabetical order. */
  search(
    query: { readonly text: string; readonly match: NameMatch; readonly after: string | null; readonly limit: number },
    viewer: Viewer,
  ): Promise<Page<PackageSummary>>
  version(packageId: string, tag: string): Promise<VersionRecord | null>
  versions(
    packageId: string,
    page: { readonly order: 'semver' | 'time'; readonly after: string | null; readonly limit: number },
  ): Promise<
    Page<
      VersionRecord & {
        readonly artifacts: readonly (ArtifactRecord & { readonly axes: Variables; readonly variant: string })[]
      }
    >
  >
  /** Newest first. */
  builds(filter: BuildFilter, viewer: Viewer): Promise<readonly BuildRecord[]>
  latestRelease(packageId: string): Promise<string | null>
}

/** What the repository's host says about a tag and its commit. */
export interface PackageSource {
  /** Null when there is no such tag. */
  resolveTag(repository: RepositoryRef, tag: string): Promise<string | null>
  /** The `packages` of the commit's configuration. Throws `config_invalid`. */
  packages(repository: RepositoryRef, sha: string): Promise<Named<PackageConfig>>
  /** Null where there is no such file. */
  readFile(repository: RepositoryRef, sha: string, path: string): Promise<string | null>
  author(repository: RepositoryRef, sha: string): Promise<{ readonly name: string; readonly email: string } | null>
  /**
   * The tree and a `.git` whose origin is the address without `.git` and which holds the tag, as tar archives to be
   * unpacked one after the other. Throws `not_found` when the commit is not there any more.
   */
  checkout(repository: RepositoryRef, commit: TagRef, signal: AbortSignal): AsyncIterable<Readable>
}

export interface RepositoryFinder {
  get(id: number): Promise<RepositoryRef | null>
  findByName(owner: string, name: string): Promise<RepositoryRef | null>
}

/** Where the builds of a repository run, and within what. */
export interface Placement {
  readonly host: string
  readonly laneCap: number
  readonly repositoryCap: number
  readonly limits: RepositoryLimits
}

/** Null: no host builds for this repository. */
export type PlacePackages = (repository: RepositoryRef) => Placement | null

export interface WorkspaceOrder {
  readonly runId: string
  readonly host: string
  readonly image: string
  /** Tar archives, unpacked one after the other. */
  readonly source: AsyncIterable<Readable>
}

export interface PhaseOrder {
  readonly name: 'fetch' | 'build'
  readonly commands: readonly string[]
  readonly env: Variables
  readonly network: 'default' | 'none'
  readonly memoryBytes: number
  readonly cpus: number
  readonly pids: number
  readonly timeoutMs: number
}

export type PhaseEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'out_of_memory' }
  | { readonly kind: 'timed_out' }
  /** The signal was aborted. */
  | { readonly kind: 'aborted' }

/** An entry of the workspace. Whoever iterates must read or resume `content` before the next one. */
export interface WorkspaceFile {
  /** From the workspace's root, with forward slashes. */
  readonly path: string
  readonly type: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  readonly content: Readable
}

/**
 * A volume with the source, and the containers that work on it, one after the other. Machine faults are thrown;
 * an image that does not exist is thrown as `request_invalid`.
 */
export interface Workspace {
  /** The image as it is on that host: `sha256:...`. */
  readonly imageId: string
  run(phase: PhaseOrder, output: (chunk: Buffer, out: 'out' | 'err') => void, signal: AbortSignal): Promise<PhaseEnd>
  files(signal: AbortSignal): AsyncIterable<WorkspaceFile>
}

export interface Workbench {
  /** Removes whatever an earlier attempt at this run left behind. */
  clear(host: string, runId: string): Promise<void>
  open(order: WorkspaceOrder, signal: AbortSignal): Promise<Workspace>
  /** The Erlang runtime of an image as a tar archive; null when it has none. */
  runtime(host: string, image: string, signal: AbortSignal): Promise<Readable | null>
}

export interface RuntimeRecord {
  readonly version: string
  readonly image: string
  readonly sha256: string
  readonly size: number
}

export interface RuntimeStore {
  get(version: string): Promise<RuntimeRecord | null>
  /** The image and host of the newest good public build for that value. */
  imageFor(version: string): Promise<{ readonly host: string; readonly image: string } | null>
  /** The first that is kept stays. */
  keep(runtime: RuntimeRecord): Promise<RuntimeRecord>
}

export interface StoredKey {
  readonly id: string
  readonly publicPem: string
  /** Null for a key that no longer signs. */
  readonly sealedPrivate: Uint8Array | null
}

export interface KeyStore {
  /** The signing key first, then the newest. */
  keys(): Promise<readonly StoredKey[]>
  /** Makes the key the signing one if `expected` is it (null: if there is none). False when another process was first. */
  replace(expected: string | null, key: StoredKey & { readonly sealedPrivate: Uint8Array }): Promise<boolean>
}

/** Encrypts what is kept; `context` binds a ciphertext to its place. */
export interface KeyCipher {
  seal(text: string, context: string): Uint8Array
  open(sealed: Uint8Array, context: string): string
}

/** Keeps a mail to be sent once; the same key again changes nothing. */
export interface Outbox {
  post(key: string, recipient: string, letter: Letter): Promise<void>
}

/** What is counted. */
export interface PackageMeter {
  ended(state: string, reason: string): void
  waited(ms: number): void
  built(ms: number): void
  served(bytes: number): void
}
