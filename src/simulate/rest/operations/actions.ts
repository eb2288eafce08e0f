/** Runs of GitHub Actions, as far as Slipway looks at them. */
import { presentWorkflowRun } from '../../present/workflow-run.ts'
import { notFound, ok } from '../answer.ts'
import type { Handler } from '../call.ts'
import { pathNumber, theRepository } from '../call.ts'
import { countedAnswer } from '../page-list.ts'

export const actionsOperations = {
  'actions/get-workflow-run': (call) => {
    const repository = theRepository(call)
    const run = call.world.workflowRuns.get(pathNumber(call, 'run_id'))
    if (run === undefined || run.repositoryId !== repository.id) throw notFound()
    return ok(presentWorkflowRun(call.world, repository, run))
  },
  'actions/list-workflow-runs-for-repo': (call) => {
    const repository = theRepository(call)
    const runs = [...call.world.workflowRuns.values()]
      .filter(({ repositoryId }) => repositoryId === repository.id)
      .toReversed()
    return countedAnswer(call, 'workflow_runs', runs, (run) => presentWorkflowRun(call.world, repository, run))
  },
} satisfies Record<string, Handler>
