import type { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildContext } from '../../../src/docker/build-context.ts'
import type { BuildContext, BuildContextOptions } from '../../../src/docker/build-context.ts'
import type { MirroredCommit } from '../../../src/git/commit-tree.ts'
import { testRepository } from './repository.ts'

const repository = testRepository()
beforeAll(async () => {
  await repository.commit({
    Dockerfile: 'FROM busybox\n',
    'docker/web.Dockerfile': 'FROM busybox\nCOPY main /\n',
    'app/main': 'main',
    'app/main.test': 'x',
    'app/.dockerignore': 'main.test',
    outside: '-> ../../etc/passwd',
  })
})
afterAll(() => repository.dispose())

const options: BuildContextOptions = {
  dockerfile: 'Dockerfile',
  context: '.',
  includeGit: false,
  args: {},
  platform: 'linux/amd64',
}

async function ready(
  commit: MirroredCommit,
  more: Partial<BuildContextOptions> = {},
): Promise<Extract<BuildContext, { kind: 'ready' }>> {
  const context = await buildContext(commit, { ...options, ...more })
  if (context.kind !== 'ready') throw new Error(context.message)
  return context
}

async function contents(tar: Readable): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for await (const entry of tar.pipe(extract())) {
    const chunks: Buffer[] = []
    for await (const chunk of entry) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
    if (entry.header.type !== 'directory')
      files[entry.header.name] =
        entry.header.type === 'symlink' ? `-> ${entry.header.linkname}` : Buffer.concat(chunks).toString('utf8')
  }
  return files
}

describe('the context of an image build', () => {
  it('is the commit without what its ignore file leaves out, links as links', async () => {
    const long = `${'deep/'.repeat(40)}file`
    const own = testRepository()
    const commit = await own.commit({
      Dockerfile: 'FROM busybox\n',
      '.dockerignore': '**/*.log\n!keep.log\nsecret\n',
      'a.log': 'x',
      'keep.log': 'kept',
      'secret/key': 'x',
      'app/main': 'main',
      [long]: 'long name',
      outside: '-> ../../etc/passwd',
      '.gitattributes': 'app export-ignore\n',
    })
    expect(await contents((await ready(commit)).open())).toEqual({
      Dockerfile: 'FROM busybox\n',
      '.dockerignore': '**/*.log\n!keep.log\nsecret\n',
      '.gitattributes': 'app export-ignore\n',
      'keep.log': 'kept',
      'app/main': 'main',
      [long]: 'long name',
      outside: '-> ../../etc/passwd',
    })
    own.dispose()
  })

  it('can be a folder, with the Dockerfile beside it', async () => {
    const commit = await repository.commit({})
    const context = await ready(commit, { context: './app/', dockerfile: 'docker/web.Dockerfile' })
    expect(context.dockerfile).toMatch(/^\.slipway-dockerfile-[0-9a-f]{16}$/)
    expect(await contents(context.open())).toEqual({
      '.dockerignore': 'main.test',
      main: 'main',
      [context.dockerfile]: 'FROM busybox\nCOPY main /\n',
    })
  })

  it('follows the ignore file that stands beside the Dockerfile instead of the common one', async () => {
    const commit = await repository.commit({ 'docker/web.Dockerfile.dockerignore': '*\n!main\n' })
    const context = await ready(commit, { context: 'app', dockerfile: 'docker/web.Dockerfile' })
    expect(Object.keys(await contents(context.open())).sort()).toEqual([context.dockerfile, 'main'].sort())
  })

  it('can have git in it, without any way back to where it came from', async () => {
    const commit = await repository.commit({ 'app/main': 'with git' })
    const whole = await contents((await ready(commit, { includeGit: true })).open())
    expect(whole['.git/HEAD']?.trim()).toBe(commit.sha)
    expect(whole['.git/shallow']?.trim()).toBe(commit.sha)
    expect(whole['.git/config']).not.toContain('remote')
    expect(JSON.stringify(Object.entries(whole).filter(([name]) => name.startsWith('.git/')))).not.toContain('file://')
  })

  it.each([
    ['a context that climbs', { context: '../..' }, 'outside'],
    ['an absolute Dockerfile', { dockerfile: '/etc/passwd' }, 'outside'],
    ['a Dockerfile that climbs', { dockerfile: 'app/../../Dockerfile' }, 'outside'],
    ['a Dockerfile that is a link', { dockerfile: 'outside' }, 'symbolic link'],
    ['a Dockerfile that is not there', { dockerfile: 'nope' }, 'no such file'],
    ['a folder that is not there', { context: 'nope' }, 'no such folder'],
  ])('refuses %s', async (_case, more, message) => {
    const commit = await repository.commit({})
    expect(await buildContext(commit, { ...options, ...more })).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    })
  })

  it('has one digest for equal inputs and another for each that differs', async () => {
    const before = await repository.commit({ 'app/a': '1' })
    const same = await repository.commit({ elsewhere: 'changed' })
    const changed = await repository.commit({ 'app/a': '2' })
    const digest = async (commit: MirroredCommit, more: Partial<BuildContextOptions> = {}) =>
      (await ready(commit, { context: 'app', dockerfile: 'docker/web.Dockerfile', ...more })).inputsDigest
    const reference = await digest(before, { args: { a: '1', b: '2' } })
    expect(await digest(same, { args: { b: '2', a: '1' } })).toBe(reference)
    const others = await Promise.all([
      digest(changed, { args: { a: '1', b: '2' } }),
      digest(before, { args: { a: '1' } }),
      digest(before, { args: { a: '1', b: '2' }, target: 'x' }),
      digest(before, { args: { a: '1', b: '2' }, platform: 'linux/arm64' }),
      digest(before, { args: { a: '1', b: '2' }, dockerfile: 'Dockerfile' }),
    ])
    expect(new Set([reference, ...others]).size).toBe(6)
  })
})
