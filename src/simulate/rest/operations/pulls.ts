/** Pull requests, read only: people open and close them through the control API. */
import { findCommit, listCommits, mergeBase } from '../../git/commits.ts'
import { listFileChanges } from '../../git/file-changes.ts'
import { presentCommit, presentFileChange } from '../../present/commit.ts'
import { presentPullRequest, repositoryOf } from '../../present/pull-request.ts'
import { accountOf } from '../../world/accounts.ts'
import type { PullRequest } from '../../world/repositories.ts'
import { measurePullRequest } from '../../webhooks/pull-request-events.ts'
import { notFound, ok } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathNumber, theRepository } from '../call.ts'
import { listAnswer } from '../page-list.ts'

export const pullOperations = {
  'pulls/list': (call) => {
    const repository = theRepository(call)
    const { state = 'open', head, base, direction } = call.query
    const pulls = call.world.pullRequests.filter(
      (pull) =>
        pull.repositoryId === repository.id &&
        (state === 'all' || pull.state === state) &&
        (base === undefined || pull.baseRef === base) &&
        (head === undefined || headLabel(call, pull) === head),
    )
    return listAnswer(call, direction === 'asc' ? pulls : pulls.toReversed(), (pull) =>
      presentPullRequest(call.world, pull),
    )
  },
  'pulls/get': async (call) => {
    const pull = thePull(call)
    return ok(presentPullRequest(call.world, pull, await measurePullRequest(call.world, pull)))
  },
  'pulls/list-files': async (call) => {
    const repository = theRepository(call)
    const pull = thePull(call)
    const base = (await mergeBase(repository, pull.baseSha, pull.headSha)) ?? pull.baseSha
    const files = await listFileChanges(repository, base, pull.headSha)
    return listAnswer(call, files, (file) => presentFileChange(call.world, repository, pull.headSha, file))
  },
  'pulls/list-commits': async (call) => {
    const repository = theRepository(call)
    const pull = thePull(call)
    const base = (await mergeBase(repository, pull.baseSha, pull.headSha)) ?? pull.baseSha
    await findCommit(repository, pull.headSha)
    const commits = (await listCommits(repository, `${base}..${pull.headSha}`)).toReversed()
    return listAnswer(call, commits, (commit) => presentCommit(call.world, repository, commit))
  },
} satisfies Record<string, Handler>

function thePull(call: Call): PullRequest {
  const repository = theRepository(call)
  const number = pathNumber(call, 'pull_number')
  const pull = call.world.pullRequests.find(
    (candidate) => candidate.repositoryId === repository.id && candidate.number === number,
  )
  if (pull === undefined) throw notFound()
  return pull
}

function headLabel({ world }: Call, pull: PullRequest): string {
  return `${accountOf(world, repositoryOf(world, pull.headRepositoryId).ownerId).login}:${pull.headRef}`
}
