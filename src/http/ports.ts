/** What the routes need from outside besides the features' own ports; `compose.ts` fills it in. */
import type { RepositoryRef } from '../core/events.ts'
import type { Run } from '../core/run.ts'

/** How a run was asked for over the runner's API; ids are the caller's own words. */
export interface TriggerRecord {
  readonly pipelineId: string
  readonly stageId: string
}

export interface TriggeredRun {
  readonly run: Run
  /** Null for runs that GitHub's events made. */
  readonly trigger: TriggerRecord | null
}

/** `organization` null sees everything; else only runs of its repositories and those asked for in its name. */
export interface RunnerAccess {
  issueNonce(organization: string, actor: string): Promise<{ readonly nonce: string; readonly expiresAt: Date }>
  /** Null when it was never issued, was used before, or is too old. */
  spendNonce(nonce: string): Promise<{ readonly organization: string; readonly createdBy: string } | null>
  recordTrigger(
    trigger: TriggerRecord & { readonly runId: string; readonly organization: string | null },
  ): Promise<void>
  /** The newest run of a stage by the caller's name for it, by the stage's key, or by the run's name or id. */
  newestOfStage(stageId: string, organization: string | null): Promise<TriggeredRun | null>
  run(runId: string, organization: string | null): Promise<TriggeredRun | null>
  /** Newest first. */
  runs(organization: string | null, limit: number): Promise<readonly TriggeredRun[]>
}

export type CheckoutAnswer =
  | {
      readonly kind: 'ok'
      readonly repository: RepositoryRef
      readonly sha: string
      readonly ref: string
      readonly manifest: Uint8Array | null
    }
  /** The sentence says why without telling what lies elsewhere on the machine. */
  | { readonly kind: 'refused'; readonly message: string }

/** Checkouts on this machine below `RUNNER_ROOT`. */
export interface Checkouts {
  /** Takes the head commit over into a mirror of ours and keeps a record of the repository. */
  open(directory: string, owner: string, name: string): Promise<CheckoutAnswer>
}
