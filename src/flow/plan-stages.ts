/** The planner of pipelines: one run for each stage and combination of its matrix. */
import type { RepositoryRef } from '../core/events.ts'
import type { NewRun, RunJob } from '../core/run-store.ts'
import {
  planPipeline,
  sentence,
  waitingFor,
  type PipelineSource,
  type PlannedStage,
  type StagePlan,
} from '../pipeline/index.ts'
import { queuedCheck, skippedCheck } from '../report/index.ts'
import { stageWaiting } from '../report/index.ts'
import type { Commit, PlanContext, RunPlanner } from './commit.ts'
import type { HostCapacity } from './plan-images.ts'

export const STAGE_JOB = 'run.stage'
/** Waiting for images, unpacking and reporting come on top of the stage's own limit, for every attempt. */
const OVERHEAD_MS = 5 * 60_000
const SKIPPED_REASON = 'skipped'

export interface StagePlannerDeps {
  readonly hostsOf: (names: readonly string[]) => readonly HostCapacity[]
  /**
   * Paths that differ from the former head of a push, else from the merge base with the base or default branch; null
   * when there is nothing to compare with. Asked only when some stage filters by paths, since it needs both commits.
   */
  readonly changedFiles: (commit: Commit) => Promise<readonly string[] | null>
  /** The branch that a pull request wants to go to. */
  readonly baseBranch: (repository: RepositoryRef, pullRequest: number) => Promise<string | null>
}

export function stagePlanner(deps: StagePlannerDeps): RunPlanner {
  return async (context) => {
    const { pipeline } = context.config
    if (pipeline === null) return []
    const hosts = deps.hostsOf(context.policy.buildHosts)
    const [host] = hosts
    const planned = planPipeline({
      pipeline,
      source: await sourceOf(deps, context),
      limits: context.policy.limits,
      host: host?.name ?? context.policy.buildHosts[0] ?? 'default',
      useCache: context.useCache,
    })
    if (planned.kind === 'silent') return []
    return Promise.all(
      planned.stages.map((stage) =>
        newRun(context, stage, (plan) => stageJob(plan, hosts, context.policy.maxConcurrent), planned.concurrencyGroup),
      ),
    )
  }
}

export function stageJob(plan: StagePlan, hosts: readonly HostCapacity[], repositoryCap: number): RunJob {
  const host = hosts.find((candidate) => candidate.name === plan.host)
  return {
    kind: STAGE_JOB,
    lane: `host:${plan.host}`,
    ...(host === undefined ? {} : { laneCap: host.maxConcurrent }),
    repositoryCap,
  }
}

async function sourceOf(deps: StagePlannerDeps, context: PlanContext): Promise<PipelineSource> {
  const { source, repository, message, started } = context
  return {
    ...source,
    baseBranch: source.pullRequest === null ? null : await deps.baseBranch(repository, source.pullRequest),
    cron: started.cron ?? null,
    inputs: started.inputs ?? {},
    defaultBranch: repository.defaultBranch,
    changedFiles: filtersByPath(context) ? await deps.changedFiles(context) : null,
    message,
  }
}

function filtersByPath({ config }: PlanContext): boolean {
  return Object.values(config.pipeline?.stages ?? {}).some((stage) => stage.when.some((rule) => rule.paths !== null))
}

async function newRun(
  context: PlanContext,
  stage: PlannedStage,
  jobOf: (plan: StagePlan) => RunJob,
  group: string | null,
): Promise<NewRun> {
  const common = {
    repositoryId: context.repository.id,
    sha: context.sha,
    name: stage.name,
    attempt: await context.attempt(stage.name),
    kind: 'stage',
    source: context.source,
    groupId: context.groupId,
    // Null lets older commits run to their end, as the file's `cancel_superseded: false` asks.
    supersedeKey: group === null ? null : context.supersedeKey,
  } as const
  if (stage.kind === 'skip') {
    const report = skippedCheck(stage.words)
    return {
      ...common,
      plan: { stage: stage.stage, why: stage.why },
      timeoutMs: OVERHEAD_MS,
      report,
      reason: SKIPPED_REASON,
      story: `Skipped: ${stage.words}`,
      job: null,
    }
  }
  const { plan } = stage
  const waits = plan.dependsOn.length > 0
  return {
    ...common,
    plan,
    timeoutMs: (plan.config.timeoutMs + OVERHEAD_MS) * (plan.config.retry.max + 1),
    report: waits ? stageWaiting(plan.dependsOn) : queuedCheck(`Stage ${plan.stage}`),
    story: waits ? `${waitingFor(plan)}; ${sentence(plan.why)}` : `Runs: ${sentence(plan.why)}`,
    job: waits ? null : jobOf(plan),
  }
}
