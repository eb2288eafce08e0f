/** Branches and tags by name. */
import { findCommit } from '../../git/commits.ts'
import type { JsonObject } from '../../json.ts'
import { presentCommit } from '../../present/commit.ts'
import { nodeId, repositoryApi, repositoryPage } from '../../present/addresses.ts'
import type { Repository } from '../../world/repositories.ts'
import { notFound, ok, refuse } from '../answer.ts'
import type { Handler } from '../call.ts'
import { pathText, theRepository } from '../call.ts'
import { listAnswer } from '../page-list.ts'

export const branchOperations = {
  'repos/list-branches': (call) => {
    const repository = theRepository(call)
    const api = repositoryApi(call.world, repository)
    return listAnswer(call, namesBelow(repository, 'refs/heads/'), ([name, sha]) => ({
      name,
      commit: { sha, url: `${api}/commits/${sha}` },
      protected: false,
    }))
  },
  'repos/get-branch': async (call) => {
    const repository = theRepository(call)
    const name = pathText(call, 'branch')
    const found = repository.refs.get(`refs/heads/${name}`)
    const commit = found === undefined ? undefined : await findCommit(repository, found.commit)
    if (commit === undefined) throw refuse(404, 'Branch not found')
    const api = `${repositoryApi(call.world, repository)}/branches/${encodeURIComponent(name)}`
    return ok({
      name,
      commit: presentCommit(call.world, repository, commit),
      _links: { self: api, html: `${repositoryPage(call.world, repository)}/tree/${name}` },
      protected: false,
      protection: {},
      protection_url: `${api}/protection`,
    })
  },
  'repos/list-tags': (call) => {
    const repository = theRepository(call)
    const api = repositoryApi(call.world, repository)
    const tags = namesBelow(repository, 'refs/tags/').toReversed()
    return listAnswer(call, tags, ([name, sha]) => ({
      name,
      commit: { sha, url: `${api}/commits/${sha}` },
      zipball_url: `${api}/zipball/refs/tags/${name}`,
      tarball_url: `${api}/tarball/refs/tags/${name}`,
      node_id: nodeId('Tag', name),
    }))
  },
  'repos/list-branches-for-head-commit': async (call) => {
    const repository = theRepository(call)
    const sha = pathText(call, 'commit_sha')
    if ((await findCommit(repository, sha)) === undefined) throw notFound()
    const api = repositoryApi(call.world, repository)
    const heads = namesBelow(repository, 'refs/heads/').filter(([, head]) => head === sha)
    return ok(
      heads.map(([name, head]): JsonObject => ({
        name,
        commit: { sha: head, url: `${api}/commits/${head}` },
        protected: false,
      })),
    )
  },
} satisfies Record<string, Handler>

function namesBelow(repository: Repository, prefix: string): [name: string, commit: string][] {
  return [...repository.refs]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, { commit }]) => [name.slice(prefix.length), commit])
}
