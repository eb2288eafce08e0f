/** Runs in the words of the runner's API (SPEC 8): six states, and the detail as a reason. */
import type { Run } from '../core/run.ts'
import type { TriggeredRun } from './ports.ts'

export type WireStatus = 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILURE' | 'CANCELED' | 'PASSED'

export interface WireRun {
  readonly pipelineId: string
  readonly runId: string
  readonly stageId: string
  readonly status: WireStatus
  /** `timeout`, `oom`, `superseded`, `skipped`, `awaiting_approval`, `infra`, ...; null when there is nothing to add. */
  readonly reason: string | null
}

export function wireRun({ run, trigger }: TriggeredRun): WireRun {
  return {
    pipelineId: trigger?.pipelineId ?? run.groupId,
    runId: run.id,
    stageId: trigger?.stageId ?? stageOf(run),
    status: wireStatus(run),
    reason: run.conclusion === 'action_required' ? 'awaiting_approval' : run.reason,
  }
}

export function wireStatus(run: Pick<Run, 'state' | 'conclusion' | 'reason'>): WireStatus {
  if (run.state === 'queued') return 'PENDING'
  if (run.state === 'in_progress') return 'RUNNING'
  switch (run.conclusion) {
    case 'success':
      // Ended well although a step failed, because the file tolerates it.
      return run.reason === 'tolerated' ? 'PASSED' : 'SUCCESS'
    case 'skipped':
    case 'neutral':
      return 'PASSED'
    case 'cancelled':
      return 'CANCELED'
    case 'action_required':
      return 'PENDING'
    case 'failure':
    case 'timed_out':
    case null:
      return 'FAILURE'
  }
}

/** The stage's key; for runs of other kinds their name. */
function stageOf(run: Run): string {
  const { plan } = run
  return typeof plan === 'object' && plan !== null && 'stage' in plan && typeof plan.stage === 'string'
    ? plan.stage
    : run.name
}
