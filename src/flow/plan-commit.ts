/**
 * The heart of the flow: a commit, the repository's file at it, and the admin's policy become runs. Everything here may
 * happen twice (a repeated delivery, a crash in the middle, the reconciler): runs are inserted by their key and
 * superseding ends only what is still open.
 */
import type { DesiredCheck } from '../core/check.ts'
import { checkAgainstPolicy } from '../config/check-against-policy.ts'
import type { ConfigProblem } from '../config/config-problem.ts'
import { REPOSITORY_CONFIG_PATH } from '../config/load-repository-config.ts'
import type { NewRun } from '../core/run-store.ts'
import { approvalCheck, configInvalidCheck } from '../report/index.ts'
import type { Commit, PlanContext, PlanOptions } from './commit.ts'
import type { FlowDeps } from './deps.ts'
import { supersedeOlder } from './supersede.ts'

const FIRST_TIME: PlanOptions = { isNewAttempt: false, useCache: true }

export async function planCommit(deps: FlowDeps, commit: Commit, options: PlanOptions = FIRST_TIME): Promise<void> {
  const { repository, supersedeKey, source } = commit
  if (supersedeKey !== null) await supersedeOlder(deps.runs, repository.id, supersedeKey, commit.sha)

  const policy = deps.policyOf(repository)
  if (source.trust === 'fork' && policy.forkPullRequests === 'ignore') return
  const isOwnCommit = commit.configSha === commit.sha
  const loaded = await deps.configAt(repository, commit.configSha, isOwnCommit ? commit.treeSha : null)
  if (loaded.kind === 'absent') return
  const context = contextOf(deps, commit, options)
  const secretNames = await deps.secretNamesOf(repository)
  const problems =
    loaded.kind === 'invalid'
      ? loaded.problems
      : checkAgainstPolicy(loaded.config, loaded.source, { ...policy, secretNames })
  if (loaded.kind === 'invalid' || problems.length > 0) {
    await deps.runs.create([await configRun(context, problems)])
    return
  }

  const full: PlanContext = { ...context, config: loaded.config, policy }
  const planned = (await Promise.all(deps.planners.map((plan) => plan(full)))).flat()
  const runs = (await mustWait(deps, full)) ? planned.map((run) => held(run, full)) : planned
  await deps.runs.create(runs)
}

/** A fork's commit waits until someone with write permission approved exactly this sha. */
async function mustWait(deps: FlowDeps, context: PlanContext): Promise<boolean> {
  const { source, policy, repository, sha } = context
  if (source.trust !== 'fork' || policy.forkPullRequests !== 'approve') return false
  return !(await deps.approvals.isApproved(repository.id, 'fork', sha, forkScope(source.pullRequest)))
}

export function forkScope(pullRequest: number | null): string {
  return `pull:${pullRequest ?? 0}`
}

function held(run: NewRun, context: PlanContext): NewRun {
  if (run.report.status === 'completed') return run
  return {
    ...run,
    job: null,
    reason: 'approval',
    report: approvalCheck({ author: context.source.actor ?? 'a contributor', sha: context.sha, asks: [run.name] }),
    story: `Waits for approval: pull request ${context.source.pullRequest ?? ''} comes from a fork`,
  }
}

type ContextWithoutConfig = Omit<PlanContext, 'config' | 'policy'>

function contextOf(deps: FlowDeps, commit: Commit, options: PlanOptions): ContextWithoutConfig {
  return {
    ...commit,
    groupId: deps.newId(),
    useCache: options.useCache,
    started: options.started ?? {},
    attempt: async (name) =>
      options.isNewAttempt ? (await deps.runs.lastAttempt(commit.repository.id, commit.sha, name)) + 1 : 1,
  }
}

const CONFIG_CHECK = 'slipway'

async function configRun(context: ContextWithoutConfig, problems: readonly ConfigProblem[]): Promise<NewRun> {
  const report: DesiredCheck = configInvalidCheck(problems, REPOSITORY_CONFIG_PATH)
  return {
    repositoryId: context.repository.id,
    sha: context.sha,
    name: CONFIG_CHECK,
    attempt: await context.attempt(CONFIG_CHECK),
    kind: 'config',
    source: context.source,
    groupId: context.groupId,
    supersedeKey: context.supersedeKey,
    plan: { problems },
    timeoutMs: 60_000,
    report,
    reason: 'config',
    story: `${REPOSITORY_CONFIG_PATH} is not valid`,
    job: null,
  }
}
