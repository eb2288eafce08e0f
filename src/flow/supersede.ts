/** Ends runs that nobody needs any more, saying by what. Safe to repeat: runs that have ended stay as they are. */
import type { Run } from '../core/run.ts'
import type { RunFilter, RunStore } from '../core/run-store.ts'
import { cancelledCheck, supersededBy } from '../report/index.ts'

/** A newer commit of the same line of work has come. */
export async function supersedeOlder(
  runs: RunStore,
  repositoryId: number,
  supersedeKey: string,
  sha: string,
): Promise<void> {
  const open = await runs.list({ repositoryId, supersedeKey, isOpen: true, limit: 500 })
  const older = open.filter((run) => run.sha !== sha)
  await Promise.all(
    older.map((run) => cancelRun(runs, run, { reason: 'superseded', words: supersededBy(sha), by: 'slipway' })),
  )
}

export async function cancelAll(
  runs: RunStore,
  filter: RunFilter,
  cause: { readonly reason: string; readonly words: string; readonly by: string },
): Promise<void> {
  const open = await runs.list({ ...filter, isOpen: true, limit: 500 })
  await Promise.all(open.map((run) => cancelRun(runs, run, cause)))
}

/** Ends the run at once when nobody works on it yet, else asks whoever does to stop. */
export async function cancelRun(
  runs: RunStore,
  run: Run,
  cause: { readonly reason: string; readonly words: string; readonly by: string },
): Promise<void> {
  const ended = await runs.completeIdle(run.id, {
    conclusion: 'cancelled',
    reason: cause.reason,
    result: run.result,
    report: cancelledCheck(cause.words),
    story: `Cancelled by ${cause.by}: ${cause.words}`,
  })
  if (!ended) await runs.requestCancel(run.id, { reason: cause.words, by: cause.by })
}
