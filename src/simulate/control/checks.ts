/** What people do to checks: press a button, ask again; and runs of GitHub Actions. */
import type { JsonObject } from '../json.ts'
import { text } from '../json.ts'
import { presentWorkflow, presentWorkflowRun } from '../present/workflow-run.ts'
import { repositoryOf } from '../present/pull-request.ts'
import { refuse } from '../rest/answer.ts'
import { announceRun, announceSuite } from '../webhooks/check-events.ts'
import { findCommit } from '../git/commits.ts'
import { emitWebhook } from '../webhooks/emit-webhook.ts'
import type { CheckRun, WorkflowRun } from '../world/reports.ts'
import type { ControlCall, ControlRoute } from './control-route.ts'
import { needNumber, needRepository, needText, senderOf } from './control-route.ts'

export const checkRoutes: readonly ControlRoute[] = [
  {
    method: 'POST',
    path: '/check-runs/:id/press',
    answer: (call) => {
      const run = needRun(call)
      const identifier = needText(call, 'identifier')
      if (!run.actions.some((action) => text(action, 'identifier') === identifier))
        throw refuse(422, `${run.name} has no button "${identifier}"`)
      const repository = repositoryOf(call.world, run.repositoryId)
      announceRun(call.world, repository, run, 'requested_action', senderOf(call, repository), identifier)
      return {}
    },
  },
  {
    method: 'POST',
    path: '/check-runs/:id/rerun',
    answer: (call) => {
      const run = needRun(call)
      const repository = repositoryOf(call.world, run.repositoryId)
      announceRun(call.world, repository, run, 'rerequested', senderOf(call, repository))
      return {}
    },
  },
  {
    method: 'POST',
    path: '/check-suites/:id/rerun',
    answer: (call) => {
      const suite = call.world.checkSuites.get(needNumber(call, 'id'))
      if (suite === undefined) throw refuse(404, 'there is no such check suite')
      const repository = repositoryOf(call.world, suite.repositoryId)
      announceSuite(call.world, repository, suite, 'rerequested', senderOf(call, repository))
      return {}
    },
  },
  { method: 'POST', path: '/repos/:owner/:name/workflow-runs', answer: (call) => startWorkflowRun(call) },
  {
    method: 'POST',
    path: '/workflow-runs/:id/complete',
    answer: (call) => {
      const run = call.world.workflowRuns.get(needNumber(call, 'id'))
      if (run === undefined) throw refuse(404, 'there is no such workflow run')
      run.status = 'completed'
      run.conclusion = text(call.body, 'conclusion') ?? 'success'
      run.updatedAt = call.world.now().toISOString()
      return announceWorkflowRun(call, run, 'completed')
    },
  },
]

async function startWorkflowRun(call: ControlCall): Promise<JsonObject> {
  const { world, body } = call
  const repository = needRepository(call)
  const branch = text(body, 'branch') ?? repository.defaultBranch
  const commit = await findCommit(repository, text(body, 'sha') ?? branch)
  if (commit === undefined) throw refuse(422, `there is no ${branch}`)
  const name = text(body, 'name') ?? 'ci'
  const at = world.now().toISOString()
  const run: WorkflowRun = {
    id: world.nextId(),
    repositoryId: repository.id,
    name,
    number:
      [...world.workflowRuns.values()].filter((other) => other.repositoryId === repository.id && other.name === name)
        .length + 1,
    attempt: 1,
    headSha: commit.sha,
    headBranch: branch,
    event: text(body, 'event') ?? 'push',
    status: text(body, 'status') ?? 'in_progress',
    conclusion: null,
    actorId: senderOf(call, repository).id,
    createdAt: at,
    updatedAt: at,
  }
  world.workflowRuns.set(run.id, run)
  return announceWorkflowRun(call, run, 'in_progress')
}

function announceWorkflowRun(call: ControlCall, run: WorkflowRun, action: 'in_progress' | 'completed'): JsonObject {
  const repository = repositoryOf(call.world, run.repositoryId)
  const shown = presentWorkflowRun(call.world, repository, run)
  const payload = { workflow_run: shown, workflow: presentWorkflow(call.world, repository, run) }
  emitWebhook(call.world, { event: 'workflow_run', action, sender: senderOf(call, repository), repository, payload })
  return shown
}

function needRun(call: ControlCall): CheckRun {
  const run = call.world.checkRuns.get(needNumber(call, 'id'))
  if (run === undefined) throw refuse(404, 'there is no such check run')
  return run
}
