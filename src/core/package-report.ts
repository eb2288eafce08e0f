/** What is told about a package build, without words: `report/` makes check runs and mails of it. */
import type { DesiredCheck } from './check.ts'
import type { Fault } from './errors.ts'

export interface PackageSubject {
  readonly owner: string
  readonly repository: string
  readonly package: string
  readonly tag: string
  readonly sha: string
  /** `erl_version=25`, empty without a matrix. */
  readonly variant: string
  readonly image: string
  readonly limits: {
    readonly memoryBytes: number
    readonly cpus: number
    readonly pids: number
    readonly timeoutMs: number
  }
}

export interface ReleasedFile {
  readonly fileName: string
  readonly sha256: string
  readonly size: number
}

/** How a rebuild compares with what was released. */
export type PackageComparison =
  | { readonly kind: 'same_bytes' }
  /** The same files with the same contents, packed differently. */
  | { readonly kind: 'same_contents' }
  | { readonly kind: 'different'; readonly files: readonly string[] }

/** How a package build ended. */
export type PackageOutcome =
  | { readonly kind: 'published'; readonly file: ReleasedFile }
  | { readonly kind: 'compared'; readonly file: ReleasedFile; readonly comparison: PackageComparison }
  /** The tag names another commit than the one that is, or may be, released. */
  | { readonly kind: 'tag_moved'; readonly releasedSha: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly message: string; readonly fault: Fault }
  | { readonly kind: 'timed_out'; readonly limitMs: number }
  | { readonly kind: 'cancelled'; readonly message: string }

export interface PackageEnd {
  readonly subject: PackageSubject
  readonly outcome: PackageOutcome
  readonly durationMs: number
  /** Last lines of the log, secrets masked. */
  readonly tail: readonly string[]
  /** Addresses; null where there is nothing to show. */
  readonly links: {
    readonly run: string
    readonly log: string
    readonly download: string | null
    readonly page: string
  }
}

export type PackagePhase = 'preparing' | 'fetching' | 'building' | 'publishing'

export interface Letter {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** The words for package builds, implemented in `report/`. */
export interface PackageWords {
  queued(subject: PackageSubject): DesiredCheck
  working(subject: PackageSubject, phase: PackagePhase): DesiredCheck
  ended(end: PackageEnd): DesiredCheck
  /** Null when the outcome is nobody's news. */
  letter(end: PackageEnd): Letter | null
}
