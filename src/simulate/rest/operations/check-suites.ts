/** Check suites: one for each commit and app. */
import { text } from '../../json.ts'
import { presentCheckSuite } from '../../present/check.ts'
import { announceSuite, ensureSuite } from '../../webhooks/check-events.ts'
import type { CheckSuite } from '../../world/reports.ts'
import { notFound, ok } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathNumber, pathText, theCommit, theRepository } from '../call.ts'
import { countedAnswer } from '../page-list.ts'
import { actor } from './git.ts'

export const checkSuiteOperations = {
  'checks/create-suite': async (call) => {
    const repository = theRepository(call)
    const commit = await theCommit(call, text(call.body, 'head_sha') ?? '')
    const { suite, isNew } = ensureSuite(call.world, repository, { sha: commit.sha, branch: null, before: null })
    return ok(presentCheckSuite(call.world, repository, suite), isNew ? 201 : 200)
  },
  'checks/get-suite': (call) => ok(presentCheckSuite(call.world, theRepository(call), theSuite(call))),
  'checks/list-suites-for-ref': async (call) => {
    const repository = theRepository(call)
    const commit = await theCommit(call, pathText(call, 'ref'))
    const ours = call.query['app_id'] === undefined || Number(call.query['app_id']) === call.world.app.id
    const suites = [...call.world.checkSuites.values()].filter(
      (suite) => ours && suite.repositoryId === repository.id && suite.headSha === commit.sha,
    )
    return countedAnswer(call, 'check_suites', suites, (suite) => presentCheckSuite(call.world, repository, suite))
  },
  'checks/rerequest-suite': (call) => {
    announceSuite(call.world, theRepository(call), theSuite(call), 'rerequested', actor(call))
    return ok({}, 201)
  },
} satisfies Record<string, Handler>

function theSuite(call: Call): CheckSuite {
  const suite = call.world.checkSuites.get(pathNumber(call, 'check_suite_id'))
  if (suite === undefined || suite.repositoryId !== theRepository(call).id) throw notFound()
  return suite
}
