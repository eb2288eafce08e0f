/** The git database: refs, commits, trees, blobs, annotated tags. */
import { findCommit } from '../../git/commits.ts'
import { deleteRef, updateRef } from '../../git/merge-commits.ts'
import { listTree, readBlob, readTag } from '../../git/tree-entries.ts'
import type { JsonObject } from '../../json.ts'
import { flag, text } from '../../json.ts'
import { nodeId, repositoryApi } from '../../present/addresses.ts'
import { presentGitCommit } from '../../present/commit.ts'
import { changeRefs } from '../../webhooks/change-refs.ts'
import { botAccount } from '../../world/accounts.ts'
import type { Account } from '../../world/identities.ts'
import type { Ref } from '../../world/repositories.ts'
import { noContent, notFound, ok, refuse, unprocessable } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathText, theRepository } from '../call.ts'
import { isAncestor } from '../../git/commits.ts'
import { listAnswer } from '../page-list.ts'

export const gitOperations = {
  'git/get-ref': (call) => {
    const name = `refs/${pathText(call, 'ref')}`
    const ref = theRepository(call).refs.get(name)
    if (ref === undefined) throw notFound()
    return ok(presentRef(call, name, ref))
  },
  'git/list-matching-refs': (call) => {
    const prefix = `refs/${pathText(call, 'ref')}`
    const matching = [...theRepository(call).refs].filter(([name]) => name.startsWith(prefix))
    return listAnswer(call, matching, ([name, ref]) => presentRef(call, name, ref))
  },
  'git/create-ref': async (call) => {
    const repository = theRepository(call)
    const name = text(call.body, 'ref') ?? ''
    const sha = text(call.body, 'sha') ?? ''
    if (!/^refs\/(heads|tags)\/./.test(name))
      throw unprocessable("Reference name must start with 'refs/' and have at least three components.")
    if (repository.refs.has(name)) throw unprocessable('Reference already exists')
    const tag = await readTag(repository, sha)
    if (tag === undefined && (await findCommit(repository, sha)) === undefined)
      throw unprocessable('Object does not exist')
    await changeRefs(call.world, repository, actor(call), () => updateRef(repository, name, sha))
    return ok(presentRef(call, name, repository.refs.get(name) ?? { sha, type: 'commit', commit: sha }), 201)
  },
  'git/update-ref': async (call) => {
    const repository = theRepository(call)
    const name = `refs/${pathText(call, 'ref')}`
    const sha = text(call.body, 'sha') ?? ''
    const before = repository.refs.get(name)
    if (before === undefined) throw unprocessable('Reference does not exist')
    if ((await findCommit(repository, sha)) === undefined) throw unprocessable('Object does not exist')
    if (flag(call.body, 'force') !== true && !(await isAncestor(repository, before.commit, sha)))
      throw unprocessable('Update is not a fast forward')
    await changeRefs(call.world, repository, actor(call), () => updateRef(repository, name, sha))
    return ok(presentRef(call, name, repository.refs.get(name) ?? before))
  },
  'git/delete-ref': async (call) => {
    const repository = theRepository(call)
    const name = `refs/${pathText(call, 'ref')}`
    if (!repository.refs.has(name)) throw unprocessable('Reference does not exist')
    await changeRefs(call.world, repository, actor(call), () => deleteRef(repository, name))
    return noContent
  },
  'git/get-commit': async (call) => {
    const repository = theRepository(call)
    const commit = await findCommit(repository, pathText(call, 'commit_sha'))
    if (commit === undefined) throw notFound()
    return ok(presentGitCommit(call.world, repository, commit))
  },
  'git/get-tree': async (call) => {
    const repository = theRepository(call)
    const asked = pathText(call, 'tree_sha')
    const commit = await findCommit(repository, asked)
    const sha = commit?.tree ?? asked
    const entries = await listTree(repository, sha, call.query['recursive'] !== undefined)
    if (entries === undefined) throw notFound()
    const api = repositoryApi(call.world, repository)
    const tree = entries.map(({ path, mode, type, size, sha: id }) => ({
      path,
      mode,
      type,
      sha: id,
      ...(size === undefined ? {} : { size }),
      ...(type === 'commit' ? {} : { url: `${api}/git/${type}s/${id}` }),
    }))
    return ok({ sha, url: `${api}/git/trees/${sha}`, tree, truncated: false })
  },
  'git/get-tag': async (call) => {
    const repository = theRepository(call)
    const sha = pathText(call, 'tag_sha')
    const tag = await readTag(repository, sha)
    if (tag === undefined) throw notFound()
    const api = repositoryApi(call.world, repository)
    return ok({
      node_id: nodeId('Tag', sha),
      sha,
      url: `${api}/git/tags/${sha}`,
      tag: tag.name,
      message: tag.message,
      tagger: { ...tag.tagger },
      object: { sha: tag.object, type: tag.type, url: `${api}/git/${tag.type}s/${tag.object}` },
    })
  },
  'git/get-blob': async (call) => {
    const repository = theRepository(call)
    const sha = pathText(call, 'file_sha')
    const bytes = await readBlob(repository, sha)
    if (bytes === undefined) throw notFound()
    if (call.accept.includes('raw'))
      return { status: 200, raw: bytes, headers: { 'content-type': 'application/octet-stream' } }
    const url = `${repositoryApi(call.world, repository)}/git/blobs/${sha}`
    return ok({
      sha,
      node_id: nodeId('Blob', sha),
      size: bytes.length,
      url,
      content: bytes.toString('base64'),
      encoding: 'base64',
    })
  },
} satisfies Record<string, Handler>

function presentRef(call: Call, name: string, ref: Ref): JsonObject {
  const api = repositoryApi(call.world, theRepository(call))
  return {
    ref: name,
    node_id: nodeId('Ref', name),
    url: `${api}/git/${name}`,
    object: { sha: ref.sha, type: ref.type, url: `${api}/git/${ref.type}s/${ref.sha}` },
  }
}

/** Who a write is attributed to. */
export function actor(call: Call): Account {
  if (call.caller.kind === 'user') return call.caller.user
  if (call.caller.kind === 'installation') return botAccount(call.world)
  throw refuse(401, 'Requires authentication')
}
