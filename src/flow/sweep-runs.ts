/** No check run stays unfinished for longer than its limit and a minute (invariant I4), whatever became of its worker. */
import type { RunStore } from '../core/run-store.ts'
import { durationText, overdueCheck } from '../report/index.ts'

/** The worker's own deadline comes first; this is for workers that do not answer to it. */
const GRACE_MS = 30_000

export async function endOverdueRuns(runs: RunStore): Promise<void> {
  for (const run of await runs.overdue(GRACE_MS)) {
    await runs.completeForced(run.id, {
      conclusion: 'timed_out',
      reason: 'timeout',
      result: run.result,
      report: overdueCheck(durationText(run.timeoutMs)),
      story: 'Ended by the sweeper: its limit was over and its worker did not answer',
    })
  }
}
