import type { PackageEnd, PackageOutcome } from '../core/package-report.ts'
import type { Run } from '../core/run.ts'
import { subjectOf, type PackagePlan } from './package-plan.ts'
import type { PackageRunDeps } from './run-package.ts'

/** Lines of the log shown in a check run and in a mail. */
const TAIL_LINES = 50

/** Everything there is to tell about an ended build. */
export async function packageEnd(
  deps: Pick<PackageRunDeps, 'logs' | 'links'>,
  run: Run,
  plan: PackagePlan,
  outcome: PackageOutcome,
  durationMs: number,
): Promise<PackageEnd> {
  const file = outcome.kind === 'published' || outcome.kind === 'compared' ? outcome.file : null
  const tail = await deps.logs.tail(run.id, TAIL_LINES)
  return {
    subject: subjectOf(plan, run.sha),
    outcome,
    durationMs,
    tail: tail.map((line) => line.text),
    links: {
      run: deps.links.run(run.id),
      log: deps.links.log(run.id),
      download: file === null ? null : deps.links.artifact(file.sha256),
      page: deps.links.page(plan.owner, plan.package),
    },
  }
}
