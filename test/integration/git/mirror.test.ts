import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extract } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gitMirrors } from '../../../src/git/mirror.ts'
import type { CommitSource } from '../../../src/git/mirror.ts'
import {
  archive,
  changedFiles,
  commitInfo,
  entryAt,
  isAncestor,
  lsTree,
  mergeBase,
  readBlob,
  treeSha,
} from '../../../src/git/read-commit.ts'

const folder = mkdtempSync(join(tmpdir(), 'slipway-mirror-'))
const origin = join(folder, 'origin')
const cloneUrl = `file://${origin}`
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const git = (...argv: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...argv], {
    cwd: origin,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()

const commit = (message: string): string => {
  git('add', '-A')
  git('commit', '-q', '--allow-empty', '-m', message)
  return git('rev-parse', 'HEAD')
}

const first = { sha: '' }
const second = { sha: '' }
const side = { sha: '' }

beforeAll(() => {
  mkdirSync(join(origin, 'src'), { recursive: true })
  git('init', '-q', '-b', 'main')
  git('config', 'uploadpack.allowAnySHA1InWant', 'true')
  writeFileSync(join(origin, 'README'), 'hello')
  writeFileSync(join(origin, 'src', 'a b.txt'), 'one')
  writeFileSync(join(origin, '.gitattributes'), 'README export-ignore\n')
  symlinkSync('/etc/passwd', join(origin, 'link'))
  first.sha = commit('first\n\nbody with ünicode')
  git('checkout', '-q', '-b', 'side')
  writeFileSync(join(origin, 'side'), 'side')
  side.sha = commit('side')
  git('checkout', '-q', 'main')
  writeFileSync(join(origin, 'src', 'a b.txt'), 'two')
  second.sha = commit('second')
})

let made = 0
const fresh = () => {
  made += 1
  const directory = join(folder, `mirrors-${made}`)
  const mirrors = gitMirrors(directory, { allowFileProtocol: true })
  const source = (sha: string, more: Partial<CommitSource> = {}): CommitSource => ({
    repositoryId: 7,
    cloneUrl,
    sha,
    ...more,
  })
  return { directory, mirrors, source, gitDir: mirrors.gitDir(7) }
}

describe('a mirror', () => {
  it('fetches a commit once and has it from then on', async () => {
    const { mirrors, source } = fresh()
    expect(await mirrors.fetchCommit(source(first.sha))).toEqual({ kind: 'fetched' })
    expect(await mirrors.fetchCommit(source(first.sha, { cloneUrl: 'file:///nonexistent' }))).toEqual({
      kind: 'present',
    })
    expect(await mirrors.fetchCommit(source(second.sha))).toEqual({ kind: 'fetched' })
  })

  it('is shared by callers that ask at the same time', async () => {
    const { mirrors, source, directory } = fresh()
    const answers = await Promise.all(
      [first.sha, second.sha, side.sha, first.sha].map((sha) => mirrors.fetchCommit(source(sha))),
    )
    expect(answers.map((answer) => answer.kind)).not.toContain('missing')
    expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([])
  })

  it('keeps a commit that a force-push took away', async () => {
    const { mirrors, source, gitDir } = fresh()
    await mirrors.fetchCommit(source(side.sha))
    await mirrors.fetchCommit(source(second.sha))
    await mirrors.prune(7, new Set([side.sha]))
    expect(await mirrors.fetchCommit(source(side.sha))).toEqual({ kind: 'present' })
    expect((await commitInfo(gitDir, side.sha)).message).toBe('side')
    expect(await mirrors.fetchCommit(source(second.sha))).toEqual({ kind: 'fetched' })
  })

  it('says apart what is missing, refused and unreachable', async () => {
    const { mirrors, source } = fresh()
    expect(await mirrors.fetchCommit(source('0'.repeat(39) + '1', { refs: ['refs/heads/nowhere'] }))).toMatchObject({
      kind: 'missing',
    })
    expect(await mirrors.fetchCommit(source(first.sha, { cloneUrl: 'http://127.0.0.1:1/x.git' }))).toMatchObject({
      kind: 'unreachable',
    })
    const server = createServer((_request, response) =>
      response.writeHead(401, { 'www-authenticate': 'Basic' }).end(),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(await mirrors.fetchCommit(source(first.sha, { cloneUrl: `http://127.0.0.1:${port}/x.git` }))).toMatchObject({
      kind: 'refused',
    })
    server.close()
  })

  it('sends the token as a header and shows it nowhere', async () => {
    const { mirrors, source, gitDir } = fresh()
    const seen: (string | undefined)[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(404).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const answer = await mirrors.fetchCommit(
      source(first.sha, { cloneUrl: `http://127.0.0.1:${port}/x.git`, token: 'ghs_secret' }),
    )
    server.close()
    expect(seen[0]).toBe(`Basic ${Buffer.from('x-access-token:ghs_secret').toString('base64')}`)
    expect(JSON.stringify(answer)).not.toContain('ghs_secret')
    const files = readdirSync(gitDir, { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(gitDir, name)).isFile(),
    )
    expect(files.filter((name) => readFileSync(join(gitDir, name)).includes('ghs_secret'))).toEqual([])
  })

  it.each([
    ['an address that is an option', { cloneUrl: '--upload-pack=touch pwned' }],
    ['an ext:: address', { cloneUrl: 'ext::sh -c touch% pwned' }],
    ['a sha that is an option', { sha: '--output=pwned' }],
    ['a ref that is an option', { refs: ['--upload-pack=x'] }],
    ['a repository id that climbs', { repositoryId: '../up' }],
  ])('refuses %s', async (_case, wrong) => {
    const { mirrors, source } = fresh()
    await expect(mirrors.fetchCommit({ ...source(first.sha), ...wrong })).rejects.toMatchObject({
      code: 'request_invalid',
    })
  })

  it('goes on after a git that was killed with its lock files in place', async () => {
    const { mirrors, source, gitDir } = fresh()
    await mirrors.fetchCommit(source(first.sha))
    for (const lock of ['HEAD.lock', 'config.lock', 'shallow.lock', `refs/slipway/${second.sha}.lock`])
      writeFileSync(join(gitDir, lock), '')
    expect(await mirrors.fetchCommit(source(second.sha))).toEqual({ kind: 'fetched' })
  })

  it('is made again when its objects are damaged', async () => {
    const { mirrors, source, gitDir } = fresh()
    await mirrors.fetchCommit(source(first.sha))
    const objects = join(gitDir, 'objects')
    for (const name of readdirSync(objects, { recursive: true, encoding: 'utf8' })) {
      if (/[0-9a-f]{38}$|\.pack$/.test(name)) {
        execFileSync('chmod', ['u+w', join(objects, name)])
        truncateSync(join(objects, name), 5)
      }
    }
    expect(await mirrors.fetchCommit(source(second.sha))).toEqual({ kind: 'fetched' })
    expect((await commitInfo(gitDir, second.sha)).message).toBe('second')
  })

  it('is free again as soon as the process that held it was killed', async () => {
    const { mirrors, source, directory, gitDir } = fresh()
    mkdirSync(directory)
    const holder = spawn('flock', ['-x', `${gitDir}.lock`, 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
    holder.stdin.write('held\n')
    await once(holder.stdout, 'data')
    const fetching = mirrors.fetchCommit(source(first.sha))
    holder.kill('SIGKILL')
    expect(await fetching).toEqual({ kind: 'fetched' })
  })
})

describe('a commit in a mirror', () => {
  const { mirrors, source, gitDir } = fresh()
  beforeAll(async () => {
    await Promise.all([first.sha, second.sha, side.sha].map((sha) => mirrors.fetchCommit(source(sha))))
  })

  it('tells who wrote what', async () => {
    expect(await commitInfo(gitDir, first.sha)).toMatchObject({
      sha: first.sha,
      parents: [],
      message: 'first\n\nbody with ünicode',
      authorName: 'Ada',
      authorEmail: 'ada@example.com',
      authoredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
  })

  it('reads files, never links or what lies outside', async () => {
    expect((await readBlob(gitDir, second.sha, 'src/a b.txt'))?.toString()).toBe('two')
    expect(await readBlob(gitDir, second.sha, 'link')).toBeUndefined()
    expect(await readBlob(gitDir, second.sha, 'missing')).toBeUndefined()
    expect(await readBlob(gitDir, second.sha, '../x')).toBeUndefined()
    expect(await readBlob(gitDir, second.sha, '*')).toBeUndefined()
    await expect(readBlob(gitDir, second.sha, 'README', 2)).rejects.toMatchObject({ code: 'request_invalid' })
  })

  it('lists its tree', async () => {
    const all = await lsTree(gitDir, second.sha, '', { recursive: true })
    expect(all.map((entry) => entry.path).sort()).toEqual(['.gitattributes', 'README', 'link', 'src', 'src/a b.txt'])
    expect(await entryAt(gitDir, second.sha, 'link')).toMatchObject({ symlink: true, type: 'blob' })
    expect(await lsTree(gitDir, second.sha, 'src')).toMatchObject([{ path: 'src/a b.txt', size: 3 }])
  })

  it('knows what changed and how commits are related', async () => {
    expect(await changedFiles(gitDir, first.sha, second.sha)).toEqual(['src/a b.txt'])
    expect(await mergeBase(gitDir, side.sha, second.sha)).toBe(first.sha)
    expect(await isAncestor(gitDir, first.sha, second.sha)).toBe(true)
    expect(await isAncestor(gitDir, side.sha, second.sha)).toBe(false)
  })

  it('has one sha for one content', async () => {
    expect(await treeSha(gitDir, first.sha, 'README')).toBe(await treeSha(gitDir, second.sha, 'README'))
    expect(await treeSha(gitDir, first.sha)).not.toBe(await treeSha(gitDir, second.sha))
    expect(await treeSha(gitDir, first.sha, 'nowhere')).toBeUndefined()
  })

  it('is archived as it would be checked out, whatever its export rules say', async () => {
    const names: string[] = []
    for await (const entry of archive(gitDir, second.sha).pipe(extract())) {
      names.push(`${entry.header.type} ${entry.header.name}`)
      entry.resume()
    }
    expect(names.sort()).toEqual([
      'directory src/',
      'file .gitattributes',
      'file README',
      'file src/a b.txt',
      'symlink link',
    ])
  })

  it('breaks an archive that git cannot finish', async () => {
    await expect(archive(gitDir, second.sha, 'nowhere').toArray()).rejects.toThrow('git archive failed')
  })
})
