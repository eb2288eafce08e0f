/** What contributors and their forks see: approval, buttons, re-runs, superseding, merge groups. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const CONFIG = 'version: 1\nimages:\n  web: {}\n'
const QUICK = 'FROM busybox\nRUN true\n'
const SLOW = 'FROM busybox\nRUN sleep 300\n'
const REPOSITORY = 'acme/checks'

let slipway: SlipwayUnderTest
beforeAll(async () => {
  slipway = await startSlipway()
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'checks',
    files: { '.github/slipway.yml': CONFIG, Dockerfile: QUICK },
    user: 'maintainer',
  })
  await slipway.github.setCollaborator(REPOSITORY, 'maintainer', 'write')
})
afterAll(async () => {
  await slipway.close()
})

async function running(sha: string) {
  return await slipway.github.waitFor(
    async () => (await slipway.github.checkRuns(REPOSITORY, sha)).find((run) => run.status === 'in_progress'),
    { what: 'a check in progress', timeout: 30_000 },
  )
}

describe('a newer commit', () => {
  it('supersedes the unfinished run of the same branch and says by which sha', async () => {
    const { github } = slipway
    const old = await github.commit(REPOSITORY, { branch: 'moving', files: { Dockerfile: SLOW } })
    await running(old)
    const fresh = await github.commit(REPOSITORY, { branch: 'moving', files: { Dockerfile: QUICK } })
    const superseded = await github.completedCheck(REPOSITORY, old, 'deployability')
    expect(superseded.conclusion).toBe('cancelled')
    expect(superseded.output.title).toContain(fresh.slice(0, 12))
    expect((await github.completedCheck(REPOSITORY, fresh, 'deployability')).conclusion).toBe('success')
  })
})

describe('buttons and re-runs', () => {
  it('stops a running build when someone with write permission presses Cancel, and nobody else', async () => {
    const { github } = slipway
    const sha = await github.commit(REPOSITORY, { branch: 'cancel-me', files: { Dockerfile: SLOW } })
    const check = await running(sha)
    await github.createUser('stranger')
    await github.press(check.id, 'cancel', 'stranger')
    await github.press(check.id, 'cancel', 'maintainer')
    const cancelled = await github.completedCheck(REPOSITORY, sha, 'deployability')
    expect(cancelled.conclusion).toBe('cancelled')
    expect(cancelled.output.title).toContain('maintainer')
  })

  it('makes a new check run for each re-run and keeps the old one', async () => {
    const { github } = slipway
    const sha = await github.commit(REPOSITORY, { branch: 'again', files: { Dockerfile: QUICK, note: '1' } })
    const first = await github.completedCheck(REPOSITORY, sha, 'deployability')
    await github.rerunCheck(first.id)
    const runs = await github.waitFor(async () => {
      const all = await github.checkRuns(REPOSITORY, sha)
      return all.length === 2 && all.every((run) => run.status === 'completed') ? all : undefined
    })
    expect(runs.map((run) => run.external_id)).toHaveLength(2)
    await github.rerunSuite(first.check_suite.id)
    await github.waitFor(async () => ((await github.checkRuns(REPOSITORY, sha)).length === 3 ? true : undefined))
  })
})

describe('a pull request from a fork', () => {
  it('waits for an approval of exactly its sha, with the base branch’s configuration', async () => {
    const { github } = slipway
    await github.createUser('contributor')
    const fork = await github.fork(REPOSITORY, 'contributor')
    // The fork's own file would build nothing; the base's file counts.
    const sha = await github.commit(fork.full_name, {
      branch: 'patch',
      files: { '.github/slipway.yml': 'version: 1\n', 'new.txt': 'x' },
      user: 'contributor',
    })
    await github.openPullRequest(REPOSITORY, { head: 'patch', fork: fork.full_name, user: 'contributor' })
    const held = await github.completedCheck(REPOSITORY, sha, 'deployability')
    expect(held).toMatchObject({ conclusion: 'action_required', actions: [{ identifier: 'approve' }] })

    await github.press(held.id, 'approve', 'contributor')
    await github.press(held.id, 'approve', 'maintainer')
    const approved = await github.waitFor(async () => {
      const all = await github.checkRuns(REPOSITORY, sha)
      return all.length === 2 && all[1]?.status === 'completed' ? all[1] : undefined
    })
    expect(approved.conclusion).toBe('success')
  })
})

describe('a merge group', () => {
  it('gets its checks on the group’s own commit', async () => {
    const { github } = slipway
    await github.commit(REPOSITORY, { branch: 'queued', files: { 'queued.txt': '1' } })
    const pull = await github.openPullRequest(REPOSITORY, { head: 'queued' })
    const group = await github.requestMergeGroup(REPOSITORY, pull.number)
    const check = await github.completedCheck(REPOSITORY, group.head_sha, 'deployability')
    expect(check.conclusion).toBe('success')
    expect((await github.report()).problems).toEqual([])
  })
})
