/**
 * Stages start by readiness: whenever one ends, the runs of its group that waited for it are released or skipped. The
 * decision is made from the runs alone and may be repeated at any time, so a crash between a stage's end and this is
 * healed by the next look.
 */
import { isGood, type Run } from '../core/run.ts'
import type { RunEnd, RunJob, RunStore } from '../core/run-store.ts'
import type { DesiredCheck } from '../core/check.ts'
import { parseStagePlan, type StagePlan } from './stage-plan.ts'

/** Reason of a run that was skipped because a stage before it did not end well; it is passed on to those behind it. */
export const DEPENDENCY_REASON = 'dependency'
const FAIL_FAST_REASON = 'fail_fast'
/** More runs than a group can have: 256 combinations for a few stages. */
const GROUP_LIMIT = 500

export type Settlement =
  | { readonly kind: 'release'; readonly run: Run; readonly plan: StagePlan; readonly why: string }
  | { readonly kind: 'skip'; readonly run: Run; readonly why: string }
  /** Another combination of its matrix failed. */
  | { readonly kind: 'cancel'; readonly run: Run; readonly why: string }

export interface SettleDeps {
  readonly runs: Pick<RunStore, 'list' | 'release' | 'completeIdle' | 'requestCancel'>
  readonly jobOf: (plan: StagePlan) => RunJob
  readonly words: {
    queued(name: string): DesiredCheck
    skipped(why: string): DesiredCheck
    cancelled(why: string): DesiredCheck
  }
}

/** Call it when a stage of the group has ended, and now and then. */
export async function settleGroup(deps: SettleDeps, groupId: string): Promise<void> {
  for (;;) {
    const settlements = planSettlements(await deps.runs.list({ groupId, kind: 'stage', limit: GROUP_LIMIT }))
    let hasEnded = false
    for (const settlement of settlements) hasEnded = (await settle(deps, settlement)) || hasEnded
    // What was skipped may decide about those behind it.
    if (!hasEnded) return
  }
}

/** What is to be done now for the runs of one group. Pure. */
export function planSettlements(group: readonly Run[]): readonly Settlement[] {
  const newest = newestAttempts(group).map((run) => ({ run, plan: planOf(run) }))
  const stageOf = ({ plan, run }: (typeof newest)[number]): string => plan?.stage ?? stageOfName(run.name)
  const inStage = (stage: string) => newest.filter((one) => stageOf(one) === stage)
  return newest.flatMap(({ run, plan }): readonly Settlement[] => {
    if (plan === null || run.state === 'completed') return []
    const failedSibling = inStage(plan.stage).find((other) => other.run.state === 'completed' && isBad(other.run))
    if (plan.config.matrix?.failFast === true && failedSibling !== undefined && run.cancelRequestedAt === null) {
      return [{ kind: 'cancel', run, why: `${failedSibling.run.name} failed` }]
    }
    if (run.state !== 'queued' || plan.dependsOn.length === 0) return []
    const before = plan.dependsOn.flatMap(inStage).map((dependency) => dependency.run)
    const bad = before.find((dependency) => dependency.state === 'completed' && isBad(dependency))
    if (bad !== undefined) return [{ kind: 'skip', run, why: `${bad.name} ${wordOf(bad)}` }]
    if (before.some((dependency) => dependency.state !== 'completed')) return []
    return [{ kind: 'release', run, plan, why: `${plan.dependsOn.join(', ')} ended well` }]
  })
}

/** What a stage waits for, for its check run. */
export function waitingFor(plan: StagePlan): string {
  return `Waiting for ${plan.dependsOn.join(', ')}`
}

async function settle(deps: SettleDeps, settlement: Settlement): Promise<boolean> {
  const { run, why } = settlement
  switch (settlement.kind) {
    case 'release':
      await deps.runs.release(run.id, deps.jobOf(settlement.plan), deps.words.queued(run.name), `Starts: ${why}`)
      return false
    case 'skip':
      return deps.runs.completeIdle(run.id, endOf('skipped', DEPENDENCY_REASON, deps.words.skipped(why), run, why))
    case 'cancel': {
      const ended = await deps.runs.completeIdle(
        run.id,
        endOf('cancelled', FAIL_FAST_REASON, deps.words.cancelled(why), run, why),
      )
      if (!ended) await deps.runs.requestCancel(run.id, { reason: why, by: 'slipway' })
      return ended
    }
  }
}

function endOf(
  conclusion: 'skipped' | 'cancelled',
  reason: string,
  report: DesiredCheck,
  run: Run,
  why: string,
): RunEnd {
  return {
    conclusion,
    reason,
    result: run.result,
    report,
    story: `${conclusion === 'skipped' ? 'Skipped' : 'Cancelled'}: ${why}`,
  }
}

function newestAttempts(group: readonly Run[]): readonly Run[] {
  const newest = new Map<string, Run>()
  for (const run of group) {
    const known = newest.get(run.name)
    if (known === undefined || known.attempt < run.attempt) newest.set(run.name, run)
  }
  return [...newest.values()]
}

/** Skipped by its own conditions is good; skipped because of another stage's failure is not. */
function isBad(run: Run): boolean {
  return run.conclusion === null || !isGood(run.conclusion) || run.reason === DEPENDENCY_REASON
}

function wordOf(run: Run): string {
  if (run.conclusion === 'timed_out') return 'timed out'
  if (run.conclusion === 'cancelled') return 'was cancelled'
  return run.conclusion === 'skipped' ? 'was skipped' : 'failed'
}

/** Skipped runs have no plan of a stage. */
function planOf(run: Run): StagePlan | null {
  return isStagePlan(run.plan) ? parseStagePlan(run.plan) : null
}

function isStagePlan(plan: unknown): boolean {
  return typeof plan === 'object' && plan !== null && 'format' in plan
}

function stageOfName(name: string): string {
  return name.replace(/^pipeline\//, '').replace(/ \(.*$/, '')
}
