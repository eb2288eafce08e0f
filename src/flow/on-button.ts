/**
 * A button of a check run was pressed. GitHub shows buttons to everybody who may read, so the right to write is asked
 * of GitHub at this moment, and a fork's author never approves their own commit.
 */
import type { ButtonPressed } from '../core/events.ts'
import type { Run } from '../core/run.ts'
import type { FlowDeps } from './deps.ts'
import { rerun } from './on-rerun.ts'
import { forkScope } from './plan-commit.ts'
import { replan } from './replan.ts'
import { cancelRun } from './supersede.ts'

export async function onButtonPressed(deps: FlowDeps, event: ButtonPressed): Promise<void> {
  const { repository, runId, button, actor } = event
  const run = await deps.runs.get(runId)
  if (run === null || run.repositoryId !== repository.id) return
  if (!(await deps.truth.canWrite(repository, actor))) {
    await deps.runs.note(runId, 'refused', `${actor} pressed ${button}, but has no write permission`)
    return
  }
  await pressButton(deps, run, button, actor)
}

/** The same for GitHub's buttons and the page's; rights were checked by whoever calls. */
export async function pressButton(deps: FlowDeps, run: Run, button: string, actor: string): Promise<void> {
  switch (button) {
    case 'cancel':
      return await cancelRun(deps.runs, run, { reason: 'cancelled', words: `cancelled by ${actor}`, by: actor })
    case 'rebuild':
      await rerun(deps, run, actor, { useCache: false })
      return
    case 'approve':
      if (run.source.trust === 'fork') return await approveFork(deps, run, actor)
      return await deps.onButton(run, button, actor)
    default:
      return await deps.onButton(run, button, actor)
  }
}

async function approveFork(deps: FlowDeps, run: Run, actor: string): Promise<void> {
  const pull =
    run.source.pullRequest === null ? null : await deps.refs.pullRequest(run.repositoryId, run.source.pullRequest)
  if (pull !== null && pull.author.toLowerCase() === actor.toLowerCase()) {
    await deps.runs.note(run.id, 'refused', `${actor} may not approve their own pull request`)
    return
  }
  if (pull !== null && pull.headSha !== run.sha) {
    await deps.runs.note(
      run.id,
      'refused',
      `${actor} approved ${run.sha.slice(0, 12)}, but the pull request has a newer commit`,
    )
    return
  }
  await deps.approvals.approve({
    repositoryId: run.repositoryId,
    subject: 'fork',
    object: run.sha,
    scope: forkScope(run.source.pullRequest),
    by: actor,
  })
  await deps.runs.note(run.id, 'approved', `${actor} approved ${run.sha.slice(0, 12)}`)
  await replan(deps, run, { isNewAttempt: true, useCache: true })
}
