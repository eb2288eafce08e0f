/** What building images needs from outside. Docker, git and the database implement it; `compose.ts` joins them. */
import type { RepositoryRef } from '../core/events.ts'
import type { Trust } from '../core/run.ts'
import type { ImageConfig } from '../config/repository-config.ts'

/** One image for one platform on one host. */
export interface ImageTarget {
  readonly image: ImageConfig
  readonly platform: string
  readonly host: string
}

export interface ImageRecord {
  readonly host: string
  readonly platform: string
  readonly imageId: string
}

/** Images that were built, by a digest over everything that decides their content. Forks have records of their own. */
export interface ImageRecordStore {
  find(key: {
    readonly repositoryId: number
    readonly trust: Trust
    readonly host: string
    readonly platform: string
    readonly inputsDigest: string
  }): Promise<ImageRecord | null>
  keep(record: {
    readonly repositoryId: number
    readonly trust: Trust
    readonly host: string
    readonly platform: string
    readonly inputsDigest: string
    readonly imageId: string
    readonly runId: string
  }): Promise<void>
}

export type BuildOutcome =
  | { readonly kind: 'built'; readonly imageId: string }
  /** The repository's fault: a step, the Dockerfile, the context. */
  | {
      readonly kind: 'failed'
      readonly message: string
      /** The failing instruction as the Dockerfile has it. */
      readonly step: string | null
      readonly exitCode: number | null
      /** Path of the Dockerfile and the lines of the failing instruction, 1-based. */
      readonly location: { readonly path: string; readonly startLine: number; readonly endLine: number } | null
    }
  | { readonly kind: 'aborted' }
  /** Not the commit's fault: the host, the registry, the disk. */
  | { readonly kind: 'infrastructure'; readonly message: string }

/** The source of a commit, fetched into our mirror. */
export interface CommitSource {
  /** Digest over everything that decides the image: the context's tree, the Dockerfile, arguments, target, platform. */
  inputsDigest(image: ImageConfig, platform: string): Promise<string>
}

export interface ImageBuilder {
  /** Fetches the commit where it is not there yet. Throws `not_found` when it does not exist. */
  openSource(repository: RepositoryRef, sha: string, ref: string): Promise<CommitSource>
  hasImage(host: string, imageId: string): Promise<boolean>
  /** Waits a while for the host to answer; false when it does not. */
  awaitHost(host: string, signal: AbortSignal): Promise<boolean>
  build(request: {
    readonly target: ImageTarget
    readonly source: CommitSource
    readonly trust: Trust
    readonly runId: string
    readonly useCache: boolean
    readonly log: BuildLog
    readonly signal: AbortSignal
  }): Promise<BuildOutcome>
}

/** Where a build writes what it prints. */
export interface BuildLog {
  /** A line of our own: which image, which step. */
  note(text: string): void
  /** What the step printed. */
  write(bytes: Uint8Array): void
}

export interface RunLog extends BuildLog {
  close(): Promise<void>
  /** The newest lines, for the check run. */
  tail(lines: number): Promise<readonly string[]>
}

export interface ImagePublisher {
  /** Tags and pushes; the digest under which the registry has it. Throws `host_refused` with the registry's own words. */
  publish(host: string, imageId: string, reference: string, signal: AbortSignal): Promise<{ readonly digest: string }>
}
