/** Pipelines that no push started: by a person with inputs, or by the clock. Always new attempts, superseding nothing. */
import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { ScheduleConfig } from '../config/repository-config.ts'
import { checkInputs, dueSchedules } from '../pipeline/index.ts'
import type { Commit, StartedBy } from './commit.ts'
import type { FlowDeps } from './deps.ts'
import { planCommit } from './plan-commit.ts'
import { stagePlanner, type StagePlannerDeps } from './plan-stages.ts'
import type { ScheduleLooks } from './ports.ts'

/** Throws `request_invalid` when the branch has no pipeline for starts by hand, or an input is wrong. */
export async function startByHand(
  deps: FlowDeps,
  stages: StagePlannerDeps,
  start: {
    readonly repository: RepositoryRef
    readonly branch: string
    readonly inputs: Readonly<Record<string, unknown>>
    readonly actor: string
  },
): Promise<void> {
  const commit = await headCommit(deps, start.repository, start.branch, 'manual', start.actor)
  const manual = (await configOf(deps, commit))?.on.manual ?? null
  if (manual === null)
    throw new SlipwayError('request_invalid', `branch: the pipeline of ${start.branch} has no on.manual`, {
      field: 'branch',
    })
  const checked = checkInputs(manual.inputs, start.inputs)
  if (checked.kind === 'invalid') {
    const [first] = checked.problems
    throw new SlipwayError('request_invalid', `inputs: ${first?.message ?? 'are wrong'}`, {
      field: `inputs.${first?.field ?? ''}`,
    })
  }
  await plan(deps, stages, commit, { inputs: checked.values })
}

/** Starts what came due since the last look. Schedules are those of the default branch; each names the branch to run. */
export async function startDueSchedules(
  deps: FlowDeps,
  stages: StagePlannerDeps,
  looks: ScheduleLooks,
  now: Date,
): Promise<void> {
  for (const repository of await deps.repositories.listActive()) {
    const last = await looks.lookedAt(repository.id)
    const known = await deps.refs.branch(repository.id, repository.defaultBranch)
    if (known !== null && last !== null) {
      const loaded = await deps.configAt(repository, known.headSha, known.treeSha)
      const schedules = loaded.kind === 'ok' ? (loaded.config.pipeline?.on.schedule ?? []) : []
      for (const { schedule } of dueSchedules(schedules, last.getTime(), now.getTime()))
        await startSchedule(deps, stages, repository, schedule)
    }
    await looks.keep(repository.id, now)
  }
}

async function startSchedule(
  deps: FlowDeps,
  stages: StagePlannerDeps,
  repository: RepositoryRef,
  schedule: ScheduleConfig,
): Promise<void> {
  try {
    const commit = await headCommit(deps, repository, schedule.branch ?? repository.defaultBranch, 'schedule', null)
    await plan(deps, stages, commit, { cron: schedule.cron })
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== 'request_invalid') throw error
    deps.logger.warn(
      { repository: repository.name, branch: schedule.branch, cron: schedule.cron },
      'a schedule names a branch that is not there',
    )
  }
}

async function plan(deps: FlowDeps, stages: StagePlannerDeps, commit: Commit, started: StartedBy): Promise<void> {
  await planCommit({ ...deps, planners: [stagePlanner(stages)] }, commit, {
    isNewAttempt: true,
    useCache: true,
    started,
  })
}

async function configOf(deps: FlowDeps, commit: Commit) {
  const loaded = await deps.configAt(commit.repository, commit.sha, commit.treeSha)
  return loaded.kind === 'ok' ? loaded.config.pipeline : null
}

async function headCommit(
  deps: FlowDeps,
  repository: RepositoryRef,
  branch: string,
  event: 'manual' | 'schedule',
  actor: string | null,
): Promise<Commit> {
  const sha = await deps.truth.branchHead(repository, branch)
  if (sha === null)
    throw new SlipwayError('request_invalid', `branch: there is no branch ${branch}`, { field: 'branch' })
  return {
    repository,
    sha,
    treeSha: null,
    source: { event, trust: 'trusted', ref: `refs/heads/${branch}`, branch, tag: null, pullRequest: null, actor },
    supersedeKey: null,
    before: null,
    message: '',
    configSha: sha,
  }
}
