import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SimulatedApp } from './simulated-app.ts'
import { startSimulatedApp } from './simulated-app.ts'

const run = promisify(execFile)

describe('git on the simulated GitHub', () => {
  let simulated: SimulatedApp
  let directory: string

  beforeAll(async () => {
    simulated = await startSimulatedApp()
    directory = await mkdtemp(join(tmpdir(), 'simulate-git-'))
    await simulated.control.createRepository({ owner: 'alice', name: 'open', files: { 'README.md': 'hello\n' } })
    await simulated.control.createRepository({
      owner: 'alice',
      name: 'closed',
      private: true,
      files: { 'README.md': 'secret\n' },
    })
  })
  afterAll(async () => {
    await simulated.close()
    await rm(directory, { recursive: true, force: true })
  })

  const git = async (cwd: string, ...args: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Alice', '-c', 'user.email=alice@example.com']
    const env = {
      PATH: process.env['PATH'],
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
    }
    return (await run('git', [...identity, ...args], { cwd, env })).stdout.trim()
  }
  const withPassword = (repository: string, user: string, password: string): string =>
    `${simulated.github.url.replace('://', `://${user}:${password}@`)}/${repository}.git`
  const eventsAbout = (repository: string): string[] =>
    simulated.receiver.received
      .filter(
        ({ payload }) =>
          payload['repository'] !== undefined &&
          (payload['repository'] as { full_name: string }).full_name === repository,
      )
      .map(({ event, payload }) =>
        `${event}${typeof payload['action'] === 'string' ? `.${payload['action']}` : ''} ${String(payload['ref'] ?? '')}`.trim(),
      )

  it('announces what a push changed: branches, tags, pull requests', async () => {
    const work = join(directory, 'work')
    await git(directory, 'clone', '--quiet', withPassword('alice/open', 'alice', simulated.github.controlToken), work)
    await git(work, 'checkout', '--quiet', '-b', 'feature/$(id)')
    await writeFile(join(work, 'a.txt'), 'one\n')
    await git(work, 'add', '.')
    await git(work, 'commit', '--quiet', '-m', 'first')
    await git(work, 'push', '--quiet', 'origin', 'HEAD')
    const sha = await git(work, 'rev-parse', 'HEAD')
    const pull = await simulated.control.openPullRequest('alice/open', { head: 'feature/$(id)', title: 'One' })
    expect(pull).toMatchObject({ number: 1, head: { sha } })
    await writeFile(join(work, 'a.txt'), 'two\n')
    await git(work, 'commit', '--quiet', '-am', 'second')
    await git(work, 'tag', '-a', 'v1', '-m', 'version 1')
    await git(work, 'push', '--quiet', 'origin', 'HEAD', 'v1')
    await simulated.control.delivered()
    expect(eventsAbout('alice/open').sort()).toEqual(
      [
        'create feature/$(id)',
        'push refs/heads/feature/$(id)',
        'check_suite.requested',
        'pull_request.opened',
        'push refs/heads/feature/$(id)',
        'check_suite.requested',
        'pull_request.synchronize',
        'create v1',
        'push refs/tags/v1',
      ].sort(),
    )
    const second = simulated.receiver.received.find(
      ({ event, payload }) => event === 'push' && payload['before'] === sha,
    )
    expect(second?.payload).toMatchObject({
      before: sha,
      created: false,
      forced: false,
      commits: [{ message: 'second', modified: ['a.txt'], added: [], removed: [] }],
      sender: { login: 'alice' },
    })
    expect((await simulated.control.report()).problems).toEqual([])
  })

  it('says nothing about more than three tags pushed at once', async () => {
    simulated.receiver.received.length = 0
    await simulated.control.tag('alice/open', ['w1', 'w2', 'w3', 'w4'])
    await simulated.control.delivered()
    expect(simulated.receiver.received).toEqual([])
    const { data } = await (
      await simulated.installed('alice')
    ).rest.git.listMatchingRefs({ owner: 'alice', repo: 'open', ref: 'tags/w' })
    expect(data.map(({ ref }) => ref)).toEqual(['refs/tags/w1', 'refs/tags/w2', 'refs/tags/w3', 'refs/tags/w4'])
  })

  it('gives a private repository only to a token that covers it', async () => {
    const { data: installations } = await simulated.app.rest.apps.listInstallations()
    const installation_id = installations[0]?.id ?? 0
    const tokenFor = async (repository: string): Promise<string> =>
      (
        await simulated.app.rest.apps.createInstallationAccessToken({
          installation_id,
          repositories: [repository],
          permissions: { contents: 'read' },
        })
      ).data.token
    const clone = async (name: string, user: string, password: string): Promise<string> =>
      git(directory, 'clone', '--quiet', '--depth', '1', withPassword('alice/closed', user, password), name)

    await expect(
      git(directory, 'clone', '--quiet', `${simulated.github.url}/alice/closed.git`, 'anonymous'),
    ).rejects.toThrow()
    await expect(clone('wrong', 'x-access-token', await tokenFor('open'))).rejects.toThrow()
    await clone('right', 'x-access-token', await tokenFor('closed'))
    await writeFile(join(directory, 'right', 'b.txt'), 'b\n')
    await git(join(directory, 'right'), 'add', '.')
    await git(join(directory, 'right'), 'commit', '--quiet', '-m', 'b')
    await expect(git(join(directory, 'right'), 'push', '--quiet', 'origin', 'HEAD')).rejects.toThrow()
    await expect(git(directory, 'ls-remote', `${simulated.github.url}/alice/open.git`)).resolves.toContain(
      'refs/heads/main',
    )
  })

  it('lets one commit be fetched by its id', async () => {
    const sha = await simulated.control.commit('alice/open', { branch: 'lonely', files: { c: 'c' } })
    await git(directory, 'init', '--quiet', 'by-id')
    await git(
      join(directory, 'by-id'),
      'fetch',
      '--quiet',
      '--depth',
      '1',
      `${simulated.github.url}/alice/open.git`,
      sha,
    )
    expect(await git(join(directory, 'by-id'), 'show', 'FETCH_HEAD:c')).toBe('c')
  })

  it('closes a pull request as merged when a push brings its commits into the base', async () => {
    const { control, receiver } = simulated
    await control.commit('alice/open', { branch: 'topic', files: { t: 't' } })
    const pull = await control.openPullRequest('alice/open', { head: 'topic' })
    await control.delivered()
    receiver.received.length = 0
    const work = join(directory, 'merging')
    await git(directory, 'clone', '--quiet', withPassword('alice/open', 'alice', simulated.github.controlToken), work)
    await git(work, 'merge', '--quiet', 'origin/topic')
    await git(work, 'push', '--quiet', 'origin', 'HEAD:main')
    await control.delivered()
    const closed = receiver.received.find(({ event }) => event === 'pull_request')
    expect(closed?.payload).toMatchObject({
      action: 'closed',
      number: pull.number,
      pull_request: { merged: true, merged_by: { login: 'alice' } },
    })
  })

  it('fails a fetch on order, and the REST API not with it', async () => {
    const { control, github } = simulated
    await control.restFault({ kind: 'status', operation: 'git', status: 503 })
    await control.repository('alice/open')
    await expect(git(directory, 'ls-remote', `${github.url}/alice/open.git`)).rejects.toThrow('503')
    await git(directory, 'ls-remote', `${github.url}/alice/open.git`)
  })

  it("brings a fork's commits to the base repository with the pull request", async () => {
    await simulated.control.fork('alice/open', 'mallory')
    const sha = await simulated.control.commit('mallory/open', { branch: 'evil', files: { e: 'e' }, user: 'mallory' })
    simulated.receiver.received.length = 0
    await simulated.control.openPullRequest('alice/open', { fork: 'mallory/open', head: 'evil', user: 'mallory' })
    await simulated.control.commit('mallory/open', { branch: 'evil', files: { e: 'f' }, user: 'mallory' })
    await simulated.control.delivered()
    expect(eventsAbout('alice/open').toSorted()).toEqual(['pull_request.opened', 'pull_request.synchronize'])
    const opened = simulated.receiver.received.find(({ payload }) => payload['action'] === 'opened')?.payload[
      'pull_request'
    ]
    expect(opened).toMatchObject({
      head: { sha, repo: { full_name: 'mallory/open', fork: true } },
      base: { repo: { full_name: 'alice/open' } },
      user: { login: 'mallory' },
    })
    await git(directory, 'init', '--quiet', 'from-fork')
    await git(join(directory, 'from-fork'), 'fetch', '--quiet', `${simulated.github.url}/alice/open.git`, sha)
  })
})
