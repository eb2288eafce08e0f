/**
 * What an event would do, without doing it: the same handlers, over stores that only write down what they are told.
 * GitHub and the database are asked as they are now, so an old event shows what it would do today.
 */
import type { SlipwayEvent } from '../core/events.ts'
import type { NewRun } from '../core/run-store.ts'
import type { Run } from '../core/run.ts'
import type { FlowDeps, FlowHooks } from './deps.ts'
import { handleEvent } from './handle-event.ts'
import { recordRuns } from './recording-runs.ts'

export interface Rehearsal {
  readonly runs: readonly {
    readonly run: NewRun
    /** It stands already, so nothing new would be made. */ readonly existing: Run | null
  }[]
  /** Unfinished runs that would be cancelled. */
  readonly ended: readonly Run[]
  /** What features would be asked to do besides. */
  readonly others: readonly string[]
}

export async function rehearseEvent(deps: FlowDeps, event: SlipwayEvent): Promise<Rehearsal> {
  const recorded = recordRuns(deps.runs)
  const others: string[] = []
  const note = (what: string) => async (): Promise<void> => {
    others.push(what)
  }
  const hooks: FlowHooks = {
    workflowRunCompleted: note('release the instances that this workflow run holds'),
    pullRequestClosed: note('release its reservations and remove its previews'),
    branchDeleted: note('release the reservations of the branch'),
    tagPushed: note('build the packages of the tag'),
    plannedForTag: (...args) => deps.hooks.plannedForTag(...args),
    tagDeleted: note('note that the tag is gone'),
    repositoriesGone: note('release the instances that the repositories hold'),
    reconcile: note('compare with GitHub'),
  }
  const nothing = async (): Promise<void> => undefined
  await handleEvent(
    {
      ...deps,
      runs: recorded.runs,
      repositories: { ...deps.repositories, keep: nothing, remove: nothing, keepInstallation: nothing },
      refs: { ...deps.refs, keepBranch: async () => true, deleteBranch: nothing, keepPullRequest: nothing },
      approvals: { ...deps.approvals, approve: note('record the approval') },
      onButton: (_, button) => note(`press ${button}`)(),
      hooks,
    },
    event,
  )
  const ended = await Promise.all(recorded.ended.map((id) => deps.runs.get(id)))
  return {
    runs: await Promise.all(recorded.created.map(async (run) => ({ run, existing: await existing(deps, run) }))),
    ended: ended.filter((run) => run !== null),
    others,
  }
}

async function existing(deps: FlowDeps, { repositoryId, sha, name, attempt }: NewRun): Promise<Run | null> {
  const same = await deps.runs.list({ repositoryId, sha, name })
  return same.find((run) => run.attempt === attempt) ?? null
}
