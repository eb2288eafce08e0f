/**
 * What is known of a stage while it runs and after it: shown on its page and check run, and what another process goes
 * on from when it takes the stage over.
 */
import type { Annotation } from './check.ts'

export const STEP_STATES = [
  'waiting',
  'running',
  'passed',
  /** It failed and the file says that this does not matter. */
  'ignored',
  'failed',
  'out_of_memory',
  'timed_out',
  'cancelled',
  /** Our fault or the host's. */
  'infrastructure',
] as const
export type StepState = (typeof STEP_STATES)[number]

export interface StepReport {
  readonly name: string
  readonly image: string
  readonly state: StepState
  readonly exitCode: number | null
  /** Milliseconds since the epoch. */
  readonly startedAt: number | null
  readonly durationMs: number | null
  /** Why it did not pass, one sentence. */
  readonly cause: string | null
  /** Something to know although it passed. */
  readonly warning: string | null
}

export interface AttemptReport {
  readonly number: number
  readonly startedAt: number
  readonly steps: readonly StepReport[]
  /** What went wrong outside of the steps: a service, an image, the host. */
  readonly trouble: { readonly cause: 'exit' | 'timeout' | 'infra'; readonly message: string } | null
}

export interface CacheReport {
  readonly key: string
  readonly outcome: 'hit' | 'restored from another key' | 'miss' | 'saved' | 'not saved'
  readonly detail: string | null
}

export interface TestSummary {
  readonly total: number
  readonly failed: number
  readonly skipped: number
  readonly failures: readonly { readonly name: string; readonly message: string }[]
}

export interface StageReport {
  readonly attempts: readonly AttemptReport[]
  readonly caches: readonly CacheReport[]
  readonly artifacts: readonly { readonly path: string; readonly size: number; readonly sha256: string }[]
  /** What could not be kept, and why. */
  readonly notices: readonly string[]
  readonly tests: TestSummary | null
  readonly annotations: readonly Annotation[]
  /** Domain of the instance that was held. */
  readonly instance: string | null
  /** The failing step's last lines; filled in at the end. */
  readonly logTail: readonly string[]
}

export const EMPTY_STAGE_REPORT: StageReport = {
  attempts: [],
  caches: [],
  artifacts: [],
  notices: [],
  tests: null,
  annotations: [],
  instance: null,
  logTail: [],
}
