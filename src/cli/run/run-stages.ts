/** The stages of a local run by readiness: whatever has nothing to wait for any more starts at once. */
import { isGood, type Conclusion } from '../../core/run.ts'
import { errorMessage, SlipwayError } from '../../core/errors.ts'
import type { StageEnd } from '../../pipeline/index.ts'
import type { LocalStage } from './local-pipeline.ts'

export interface StageOutcome {
  readonly stage: LocalStage
  readonly conclusion: Conclusion
  readonly reason: string | null
  /** Null when it did not run. */
  readonly end: StageEnd | null
  readonly message: string | null
}

export type ExecuteStage = (stage: LocalStage) => Promise<StageEnd>

export async function runStages(
  stages: readonly LocalStage[],
  execute: ExecuteStage,
): Promise<readonly StageOutcome[]> {
  const outcomes = new Map<string, Promise<StageOutcome>>()
  const outcomeOf = (stage: LocalStage): Promise<StageOutcome> => {
    const known =
      outcomes.get(stage.name) ??
      runAfter(stage, stages.filter((other) => stage.plan.dependsOn.includes(other.plan.stage)).map(outcomeOf), execute)
    outcomes.set(stage.name, known)
    return known
  }
  return Promise.all(stages.map(outcomeOf))
}

async function runAfter(
  stage: LocalStage,
  before: readonly Promise<StageOutcome>[],
  execute: ExecuteStage,
): Promise<StageOutcome> {
  const bad = (await Promise.all(before)).find(
    (outcome) => !isGood(outcome.conclusion) || outcome.reason === 'dependency',
  )
  if (bad !== undefined)
    return {
      stage,
      conclusion: 'skipped',
      reason: 'dependency',
      end: null,
      message: `${bad.stage.name} did not end well`,
    }
  try {
    const end = await execute(stage)
    return { stage, conclusion: end.conclusion, reason: end.reason, end, message: null }
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error
    return { stage, conclusion: 'failure', reason: 'infra', end: null, message: errorMessage(error) }
  }
}

/** SPEC 8. What the machine is to blame for comes before what the commands did. */
export const RUN_EXIT = { success: 0, failed: 1, invalid: 2, infrastructure: 3, timeout: 124, cancelled: 130 } as const

export function exitCodeOf(outcomes: readonly StageOutcome[], isCancelled: boolean): number {
  if (isCancelled || outcomes.some((one) => one.conclusion === 'cancelled')) return RUN_EXIT.cancelled
  if (outcomes.some((one) => one.reason === 'infra')) return RUN_EXIT.infrastructure
  if (outcomes.some((one) => one.conclusion === 'timed_out')) return RUN_EXIT.timeout
  return outcomes.every((one) => isGood(one.conclusion) && one.reason !== 'dependency')
    ? RUN_EXIT.success
    : RUN_EXIT.failed
}
