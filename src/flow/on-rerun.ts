/**
 * Someone asked to run again: a new attempt with a new check run of the same name, of exactly what was asked. GitHub
 * itself lets only people with write permission press Re-run.
 */
import type { RerunRequested } from '../core/events.ts'
import type { Run } from '../core/run.ts'
import type { FlowDeps } from './deps.ts'
import { replan } from './replan.ts'

export async function onRerunRequested(deps: FlowDeps, event: RerunRequested): Promise<void> {
  const { repository, sha, runId, actor } = event
  await deps.repositories.keep(repository)
  const asked =
    runId === null
      ? newestOfEach(await deps.runs.list({ repositoryId: repository.id, sha, limit: 500 }))
      : await one(deps, runId)
  const owned = asked.filter((run) => run.repositoryId === repository.id)
  for (const run of owned) await rerun(deps, run, actor, { useCache: true })
}

/** A new attempt of one run; nothing happens while the newest attempt is still going. */
export async function rerun(
  deps: FlowDeps,
  run: Run,
  actor: string,
  options: { readonly useCache: boolean },
): Promise<Run | null> {
  const newest =
    newestOfEach(await deps.runs.list({ repositoryId: run.repositoryId, sha: run.sha, name: run.name }))[0] ?? run
  if (newest.state !== 'completed') return null
  // What was never planned properly is planned anew: a wrong file, a fork that waited.
  if (newest.kind === 'config' || newest.reason === 'approval' || newest.reason === 'not_allowed') {
    await replan(deps, newest, { isNewAttempt: true, useCache: options.useCache })
    return null
  }
  const ownWay = deps.rerunOf(newest)
  if (ownWay !== undefined) return await ownWay(newest, actor)
  const plan = options.useCache ? newest.plan : deps.withoutCache(newest)
  const job = deps.jobOf(newest, plan)
  if (job === null) return null
  const [created] = await deps.runs.create([
    {
      repositoryId: newest.repositoryId,
      sha: newest.sha,
      name: newest.name,
      attempt: newest.attempt + 1,
      kind: newest.kind,
      source: newest.source,
      groupId: newest.groupId,
      supersedeKey: newest.supersedeKey,
      plan,
      timeoutMs: newest.timeoutMs,
      report: deps.queuedCheckOf(newest),
      story: `${options.useCache ? 'Re-run' : 'Rebuild without cache'} asked by ${actor}`,
      job,
    },
  ])
  return created ?? null
}

async function one(deps: FlowDeps, runId: string): Promise<readonly Run[]> {
  const run = await deps.runs.get(runId)
  return run === null ? [] : [run]
}

function newestOfEach(runs: readonly Run[]): readonly Run[] {
  const newest = new Map<string, Run>()
  for (const run of runs) {
    const known = newest.get(run.name)
    if (known === undefined || known.attempt < run.attempt) newest.set(run.name, run)
  }
  return [...newest.values()]
}
