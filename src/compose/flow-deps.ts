/** Joins the features to the flow: their planners, the buttons they answer, what they do when something ended. */
import type { FlowDeps, FlowHooks } from '../flow/deps.ts'
import { createConfigCache } from '../store/config-cache.ts'
import { queuedCheck } from '../report/run-words.ts'
import { createConfigReader } from './config-at.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'

export function createFlowDeps(
  base: Foundation,
  features: readonly Feature[],
  secretNamesOf: FlowDeps['secretNamesOf'],
): FlowDeps {
  const partsOf = (kind: keyof NonNullable<Feature['runKinds']>) =>
    features.map((feature) => feature.runKinds?.[kind]).find((parts) => parts !== undefined)
  return {
    repositories: base.repositories,
    refs: base.refs,
    approvals: base.approvals,
    runs: base.runs,
    truth: base.reader,
    configAt: createConfigReader(base.reader, createConfigCache(base.db), base.yaml),
    policyOf: base.policyOf,
    secretNamesOf,
    planners: features.flatMap((feature) => feature.planners ?? []),
    jobOf: (run, plan) => partsOf(run.kind)?.jobOf(run, plan) ?? null,
    queuedCheckOf: (run) => partsOf(run.kind)?.queuedCheck(run) ?? queuedCheck(run.name),
    rerunOf: (run) => partsOf(run.kind)?.rerun,
    withoutCache: (run) => partsOf(run.kind)?.withoutCache(run) ?? run.plan,
    async onButton(run, button, actor) {
      for (const feature of features) if ((await feature.onButton?.(run, button, actor)) === true) return
      await base.runs.note(run.id, 'refused', `${actor} pressed ${button}, which this run does not have`)
    },
    hooks: joinHooks(features.flatMap((feature) => feature.hooks ?? [])),
    newId: base.newId,
    logger: base.logger,
  }
}

/** Each feature in turn: a hook may be repeated, so one that fails lets the whole event come again. */
function joinHooks(all: readonly Partial<FlowHooks>[]): FlowHooks {
  return {
    async workflowRunCompleted(...args) {
      for (const hooks of all) await hooks.workflowRunCompleted?.(...args)
    },
    async pullRequestClosed(...args) {
      for (const hooks of all) await hooks.pullRequestClosed?.(...args)
    },
    async branchDeleted(...args) {
      for (const hooks of all) await hooks.branchDeleted?.(...args)
    },
    async tagPushed(...args) {
      for (const hooks of all) await hooks.tagPushed?.(...args)
    },
    async plannedForTag(...args) {
      return (await Promise.all(all.map(async (hooks) => (await hooks.plannedForTag?.(...args)) ?? []))).flat()
    },
    async tagDeleted(...args) {
      for (const hooks of all) await hooks.tagDeleted?.(...args)
    },
    async repositoriesGone(...args) {
      for (const hooks of all) await hooks.repositoriesGone?.(...args)
    },
    async reconcile(...args) {
      for (const hooks of all) await hooks.reconcile?.(...args)
    },
  }
}
