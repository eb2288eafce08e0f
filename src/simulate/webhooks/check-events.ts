/** Check suites and runs, announced: made by GitHub on a push, asked again and pressed by people. */
import { presentCheckRunWithSuite, presentCheckSuite, runsOf, suiteState } from '../present/check.ts'
import type { Account } from '../world/identities.ts'
import type { Repository } from '../world/repositories.ts'
import type { CheckRun, CheckSuite } from '../world/reports.ts'
import type { World } from '../world/world.ts'
import { emitWebhook } from './emit-webhook.ts'

export interface SuiteRequest {
  readonly sha: string
  readonly branch: string | null
  readonly before: string | null
  readonly sender: Account
}

/** GitHub opens one suite for each commit and app, at the push or at the first run, whichever comes first. */
export function ensureSuite(
  world: World,
  repository: Repository,
  request: Omit<SuiteRequest, 'sender'>,
): { suite: CheckSuite; isNew: boolean } {
  const known = [...world.checkSuites.values()].find(
    (suite) => suite.repositoryId === repository.id && suite.headSha === request.sha,
  )
  if (known !== undefined) {
    known.headBranch ??= request.branch
    return { suite: known, isNew: false }
  }
  const at = world.now().toISOString()
  const { sha, branch, before } = request
  const suite: CheckSuite = {
    id: world.nextId(),
    repositoryId: repository.id,
    headSha: sha,
    headBranch: branch,
    before,
    createdAt: at,
    updatedAt: at,
  }
  world.checkSuites.set(suite.id, suite)
  return { suite, isNew: true }
}

export function requestSuite(world: World, repository: Repository, request: SuiteRequest): void {
  const { suite, isNew } = ensureSuite(world, repository, request)
  if (isNew) announceSuite(world, repository, suite, 'requested', request.sender)
}

export function announceSuite(
  world: World,
  repository: Repository,
  suite: CheckSuite,
  action: 'requested' | 'rerequested' | 'completed',
  sender: Account,
): void {
  const payload = { check_suite: presentCheckSuite(world, repository, suite) }
  emitWebhook(world, { event: 'check_suite', action, sender, repository, payload })
}

export function announceRun(
  world: World,
  repository: Repository,
  run: CheckRun,
  action: 'created' | 'completed' | 'rerequested' | 'requested_action',
  sender: Account,
  identifier?: string,
): void {
  const suite = world.checkSuites.get(run.suiteId)
  if (suite === undefined) throw new Error(`check run ${run.id} has no suite`)
  suite.updatedAt = world.now().toISOString()
  const payload = {
    check_run: presentCheckRunWithSuite(world, repository, run, suite),
    ...(identifier === undefined ? {} : { requested_action: { identifier } }),
  }
  emitWebhook(world, { event: 'check_run', action, sender, repository, payload })
  if (action === 'completed' && suiteState(runsOf(world, suite)).status === 'completed')
    announceSuite(world, repository, suite, 'completed', sender)
}
