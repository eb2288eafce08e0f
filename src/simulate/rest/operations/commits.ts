/** Commits, what lies between two, and pull requests of one. */
import { findCommit, listCommits, mergeBase } from '../../git/commits.ts'
import type { FileChange } from '../../git/file-changes.ts'
import { emptyTree, listFileChanges } from '../../git/file-changes.ts'
import type { JsonObject } from '../../json.ts'
import { repositoryApi, repositoryPage } from '../../present/addresses.ts'
import { presentCommit, presentFileChange } from '../../present/commit.ts'
import { presentPullRequest } from '../../present/pull-request.ts'
import { findRepository } from '../../world/find-repository.ts'
import { accountOf } from '../../world/accounts.ts'
import type { Commit, Repository } from '../../world/repositories.ts'
import type { Answer } from '../answer.ts'
import { notFound, refuse } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathText, theCommit, theRepository } from '../call.ts'
import { listAnswer, pageOf } from '../page-list.ts'

/** A comparison shows no more files. */
const maxComparedFiles = 300

export const commitOperations = {
  'repos/list-commits': async (call) => {
    const repository = theRepository(call)
    const start = await findCommit(repository, call.query['sha'] ?? repository.defaultBranch)
    if (start === undefined) {
      if (repository.refs.size === 0) throw refuse(409, 'Git Repository is empty.')
      throw notFound()
    }
    const { path } = call.query
    const commits = await listCommits(repository, start.sha, path === undefined ? {} : { path })
    return listAnswer(call, commits, (commit) => presentCommit(call.world, repository, commit))
  },
  'repos/get-commit': async (call) => {
    const repository = theRepository(call)
    const commit = await theCommit(call, pathText(call, 'ref'))
    if (call.accept.includes('sha'))
      return { status: 200, raw: Buffer.from(commit.sha), headers: { 'content-type': 'text/plain' } }
    const files = await listFileChanges(repository, commit.parents[0] ?? emptyTree, commit.sha)
    const { items, headers } = pageOf(call, files)
    return {
      status: 200,
      body: {
        ...presentCommit(call.world, repository, commit),
        stats: total(files),
        files: items.map((file) => presentFileChange(call.world, repository, commit.sha, file)),
      },
      headers,
    }
  },
  'repos/list-pull-requests-associated-with-commit': async (call) => {
    const repository = theRepository(call)
    const commit = await theCommit(call, pathText(call, 'commit_sha'))
    const pulls = call.world.pullRequests.filter(
      (pull) => pull.repositoryId === repository.id && pull.headSha === commit.sha,
    )
    return listAnswer(call, pulls, (pull) => presentPullRequest(call.world, pull))
  },
  'repos/compare-commits-with-basehead': (call) => compare(call),
} satisfies Record<string, Handler>

async function compare(call: Call): Promise<Answer> {
  const repository = theRepository(call)
  const [baseName = '', headName = ''] = pathText(call, 'basehead').split('...')
  const [base, head] = await Promise.all([findSide(call, repository, baseName), findSide(call, repository, headName)])
  if (base === undefined || head === undefined) throw notFound()
  const meeting = await mergeBase(repository, base.sha, head.sha)
  if (meeting === undefined) throw refuse(404, `No common ancestor between ${baseName} and ${headName}.`)
  const [ahead, behind, files, meetingCommit] = await Promise.all([
    listCommits(repository, `${meeting}..${head.sha}`),
    listCommits(repository, `${meeting}..${base.sha}`),
    listFileChanges(repository, meeting, head.sha),
    findCommit(repository, meeting),
  ])
  const api = `${repositoryApi(call.world, repository)}/compare/${baseName}...${headName}`
  const page = `${repositoryPage(call.world, repository)}/compare/${baseName}...${headName}`
  const { items, headers } = pageOf(call, ahead.toReversed())
  const present = (commit: Commit): JsonObject => presentCommit(call.world, repository, commit)
  return {
    status: 200,
    body: {
      url: api,
      html_url: page,
      permalink_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      base_commit: present(base),
      merge_base_commit: present(meetingCommit ?? base),
      status:
        ahead.length > 0 && behind.length > 0
          ? 'diverged'
          : ahead.length > 0
            ? 'ahead'
            : behind.length > 0
              ? 'behind'
              : 'identical',
      ahead_by: ahead.length,
      behind_by: behind.length,
      total_commits: ahead.length,
      commits: items.map(present),
      // Files are only with the first page of commits.
      files:
        (call.query['page'] ?? '1') === '1'
          ? files.slice(0, maxComparedFiles).map((file) => presentFileChange(call.world, repository, head.sha, file))
          : [],
    },
    headers,
  }
}

/** `ref`, or `owner:ref` for a fork, whose commits a pull request has brought here. */
async function findSide(call: Call, repository: Repository, name: string): Promise<Commit | undefined> {
  const [, owner, ref] = /^([^:]+):(.+)$/.exec(name) ?? []
  if (owner === undefined || ref === undefined) return findCommit(repository, name)
  if (accountOf(call.world, repository.ownerId).login === owner) return findCommit(repository, ref)
  const fork = findRepository(call.world, owner, repository.name)
  const commit = fork === undefined ? undefined : await findCommit(fork, ref)
  return commit === undefined ? undefined : findCommit(repository, commit.sha)
}

function total(files: readonly FileChange[]): JsonObject {
  const additions = files.reduce((sum, file) => sum + file.additions, 0)
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0)
  return { additions, deletions, total: additions + deletions }
}
