/** Files and folders at a commit, and whole archives. */
import { findCommit } from '../../git/commits.ts'
import type { TreeEntry } from '../../git/tree-entries.ts'
import { archive, findEntry, listTree, readBlob } from '../../git/tree-entries.ts'
import { writeCommit } from '../../git/write-commit.ts'
import type { JsonObject } from '../../json.ts'
import { text } from '../../json.ts'
import { repositoryApi, repositoryPage } from '../../present/addresses.ts'
import { presentGitCommit } from '../../present/commit.ts'
import { accountOf } from '../../world/accounts.ts'
import type { Commit, Repository } from '../../world/repositories.ts'
import { changeRefs } from '../../webhooks/change-refs.ts'
import type { Answer } from '../answer.ts'
import { notFound, ok, refuse } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathText, theRepository } from '../call.ts'
import { actor } from './git.ts'

/** Larger files have no content in JSON, only as raw bytes. */
const maxInlineBytes = 1024 * 1024

export const contentOperations = {
  'repos/get-content': (call) => getContent(call),
  'repos/create-or-update-file-contents': (call) => putContent(call),
  'repos/download-tarball-archive': (call) => download(call, 'tar.gz'),
  'repos/download-zipball-archive': (call) => download(call, 'zip'),
} satisfies Record<string, Handler>

async function getContent(call: Call): Promise<Answer> {
  const repository = theRepository(call)
  const commit = await findCommit(repository, call.query['ref'] ?? repository.defaultBranch)
  if (commit === undefined)
    throw refuse(404, `No commit found for the ref ${call.query['ref'] ?? repository.defaultBranch}`)
  const path = pathText(call, 'path').replace(/\/+$/, '')
  const entry = await findEntry(repository, commit.sha, path)
  if (entry === undefined) throw notFound()
  if (entry.type === 'tree') {
    const entries = (await listTree(repository, entry.sha, false)) ?? []
    return ok(
      entries.map((inner) =>
        presentEntry(call, repository, { ...inner, path: path === '' ? inner.path : `${path}/${inner.path}` }),
      ),
    )
  }
  const bytes = (await readBlob(repository, entry.sha)) ?? Buffer.alloc(0)
  if (/application\/vnd\.github(\.v3)?\.raw/.test(call.accept))
    return { status: 200, raw: bytes, headers: { 'content-type': 'application/vnd.github.raw; charset=utf-8' } }
  const small = bytes.length <= maxInlineBytes
  const content = small ? bytes.toString('base64').replace(/.{60}/g, '$&\n') : ''
  return ok({
    ...presentEntry(call, repository, entry),
    encoding: small ? 'base64' : 'none',
    content: content === '' ? '' : `${content}\n`,
  })
}

function presentEntry(call: Call, repository: Repository, entry: TreeEntry): JsonObject {
  const api = repositoryApi(call.world, repository)
  const page = repositoryPage(call.world, repository)
  const ref = call.query['ref'] ?? repository.defaultBranch
  const path = entry.path.split('/').map(encodeURIComponent).join('/')
  const url = `${api}/contents/${path}?ref=${encodeURIComponent(ref)}`
  const gitUrl = entry.type === 'commit' ? null : `${api}/git/${entry.type}s/${entry.sha}`
  const kind =
    entry.type === 'tree' ? 'dir' : entry.mode === '120000' ? 'symlink' : entry.type === 'commit' ? 'submodule' : 'file'
  const html = `${page}/${entry.type === 'tree' ? 'tree' : 'blob'}/${ref}/${path}`
  return {
    type: kind,
    name: entry.path.split('/').at(-1) ?? '',
    path: entry.path,
    sha: entry.sha,
    size: entry.size ?? 0,
    url,
    html_url: html,
    git_url: gitUrl,
    download_url: entry.type === 'blob' ? `${page}/raw/${ref}/${path}` : null,
    _links: { self: url, git: gitUrl, html },
  }
}

async function putContent(call: Call): Promise<Answer> {
  const repository = theRepository(call)
  const sender = actor(call)
  const branch = text(call.body, 'branch') ?? repository.defaultBranch
  const path = pathText(call, 'path')
  const parent = repository.refs.get(`refs/heads/${branch}`)?.commit
  const former = parent === undefined ? undefined : await findEntry(repository, parent, path)
  if (former !== undefined && text(call.body, 'sha') !== former.sha)
    throw refuse(409, `${path} does not match ${text(call.body, 'sha') ?? '(no sha)'}`)
  const bytes = Buffer.from(text(call.body, 'content') ?? '', 'base64')
  const author = { name: sender.name, email: sender.email, date: call.world.now().toISOString() }
  const plan = {
    branch,
    parent,
    message: text(call.body, 'message') ?? '',
    author,
    files: new Map([[path, { bytes, mode: '100644' }]]),
  }
  const sha = await changeRefs(call.world, repository, sender, () => writeCommit(repository, plan))
  const [commit, entry] = [await findCommit(repository, sha), await findEntry(repository, sha, path)]
  if (commit === undefined || entry === undefined) throw notFound()
  return ok(
    { content: presentEntry(call, repository, entry), commit: presentGitCommit(call.world, repository, commit) },
    former === undefined ? 201 : 200,
  )
}

/** GitHub redirects to a host of its own; one that answers at once serves the same clients. */
async function download(call: Call, format: 'tar.gz' | 'zip'): Promise<Answer> {
  const repository = theRepository(call)
  const name = pathText(call, 'ref')
  const commit: Commit | undefined = await findCommit(repository, name)
  if (commit === undefined) throw notFound()
  const folder = `${accountOf(call.world, repository.ownerId).login}-${repository.name}-${commit.sha.slice(0, 7)}`
  return {
    status: 200,
    raw: await archive(repository, commit.sha, format, folder),
    headers: {
      'content-type': format === 'zip' ? 'application/zip' : 'application/x-gzip',
      'content-disposition': `attachment; filename=${folder}.${format}`,
    },
  }
}
