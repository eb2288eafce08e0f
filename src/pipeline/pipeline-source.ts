import type { PipelineEvent } from '../config/repository-config.ts'
import type { RunEvent, RunSource } from '../core/run.ts'

/** What happened, as far as a pipeline's triggers and filters may ask. */
export interface PipelineSource extends RunSource {
  /** The branch a pull request wants to go to; null for everything else. */
  readonly baseBranch: string | null
  /** Which entry of `schedule` came due. */
  readonly cron: string | null
  /** Values of a manual start, checked by `checkInputs`. */
  readonly inputs: Readonly<Record<string, string>>
  readonly defaultBranch: string
  /** Paths that differ from the base of comparison; null: there is none, so everything counts as changed. */
  readonly changedFiles: readonly string[] | null
  /** Message of the head commit. */
  readonly message: string
}

/** A reconciled commit is treated like the push that was missed. */
export function pipelineEvent(event: RunEvent): PipelineEvent {
  return event === 'reconcile' ? 'push' : event
}
