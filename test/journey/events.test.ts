/** Webhooks out of order, repositories that come and go, and GitHub's limits: the same ends as on a quiet day. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const CONFIG = 'version: 1\nimages:\n  web: {}\n'
const QUICK = 'FROM busybox\nRUN true\n'
const SLOW = 'FROM busybox\nRUN sleep 300\n'
const REPOSITORY = 'acme/events'
const PATIENCE_MS = 90_000

let slipway: SlipwayUnderTest
let db: pg.Client
beforeAll(async () => {
  slipway = await startSlipway()
  db = new pg.Client({ connectionString: slipway.database.url })
  await db.connect()
  await create('events')
})
afterAll(async () => {
  await db.end()
  await slipway.close()
})

async function create(name: string, owner = 'acme'): Promise<number> {
  const files = { '.github/slipway.yml': CONFIG, Dockerfile: QUICK }
  return (await slipway.github.createRepository({ owner, name, files })).id
}

async function running(repository: string, sha: string) {
  return await slipway.github.waitFor(
    async () => (await slipway.github.checkRuns(repository, sha)).find((run) => run.status === 'in_progress'),
    { what: 'a check in progress', timeout: PATIENCE_MS },
  )
}

const ended = (repository: string, sha: string) =>
  slipway.github.completedCheck(repository, sha, 'deployability', PATIENCE_MS)

/** Resolves when every delivery that was stored has been dealt with. */
async function settled(): Promise<void> {
  await slipway.github.delivered()
  await slipway.github.waitFor(async () => {
    const { rows } = await db.query(`select count(*)::integer as n from deliveries where state = 'received'`)
    return rows[0].n === 0 ? true : undefined
  })
}

describe('webhooks out of order', () => {
  it('leave the newest commit of a branch standing when its pushes arrive backwards', async () => {
    const { github } = slipway
    await github.webhookFault({ kind: 'hold', event: 'push', times: 3 })
    const shas: string[] = []
    for (let n = 0; n < 3; n++)
      shas.push(await github.commit(REPOSITORY, { branch: 'backwards', files: { n: `${n}` } }))
    await github.releaseHeld('last')
    await settled()
    expect((await ended(REPOSITORY, shas[2] ?? '')).conclusion).toBe('success')
    for (const sha of shas.slice(0, 2)) {
      expect((await github.checkRuns(REPOSITORY, sha)).filter((run) => run.conclusion === 'success')).toEqual([])
    }
  })

  it('believe GitHub when a forced push and what it replaced arrive the wrong way round', async () => {
    const { github } = slipway
    const base = await github.commit(REPOSITORY, { branch: 'forced', files: { base: '1' } })
    await ended(REPOSITORY, base)
    await github.webhookFault({ kind: 'hold', event: 'push', times: 2 })
    const replaced = await github.commit(REPOSITORY, { branch: 'forced', files: { replaced: '1' } })
    const forced = await github.commit(REPOSITORY, { branch: 'forced', parent: base, files: { forced: '1' } })
    await github.releaseHeld('last')
    await settled()
    expect((await ended(REPOSITORY, forced)).conclusion).toBe('success')
    expect((await github.checkRuns(REPOSITORY, replaced)).filter((run) => run.conclusion === 'success')).toEqual([])
  })

  it('start nothing for a fork’s pull request that was closed before it was heard of', async () => {
    const { github } = slipway
    await github.createUser('early')
    const fork = await github.fork(REPOSITORY, 'early')
    const sha = await github.commit(fork.full_name, { branch: 'gone', files: { early: '1' }, user: 'early' })
    await github.webhookFault({ kind: 'hold', event: 'pull_request', times: 2 })
    const pull = await github.openPullRequest(REPOSITORY, { head: 'gone', fork: fork.full_name, user: 'early' })
    await github.movePullRequest(REPOSITORY, pull.number, 'close')
    await github.releaseHeld('last')
    await settled()
    expect(await github.checkRuns(REPOSITORY, sha)).toEqual([])
  })

  it('change nothing when each of them comes twice', async () => {
    const { github } = slipway
    await github.webhookFault({ kind: 'duplicate', times: 4 })
    const sha = await github.commit(REPOSITORY, { branch: 'twice', files: { twice: '1' } })
    await github.openPullRequest(REPOSITORY, { head: 'twice' })
    await ended(REPOSITORY, sha)
    await settled()
    expect(await github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
    await github.clearFaults()
  })
})

describe('a running build ends', () => {
  it('when its branch is deleted', async () => {
    const sha = await slipway.github.commit(REPOSITORY, { branch: 'deleted', files: { Dockerfile: SLOW } })
    await running(REPOSITORY, sha)
    await slipway.github.deleteBranch(REPOSITORY, 'deleted')
    const check = await ended(REPOSITORY, sha)
    expect(check.conclusion).toBe('cancelled')
    expect(check.output.title).toContain('deleted')
  })

  it('when its repository is removed from the installation, and nothing more is sent', async () => {
    const { github } = slipway
    await create('stays', 'leaver')
    const id = await create('leaves', 'leaver')
    const sha = await github.commit('leaver/leaves', { branch: 'left', files: { Dockerfile: SLOW } })
    await running('leaver/leaves', sha)
    const { rows } = await db.query('select installation_id::integer as id from repositories where id = $1', [id])
    await github.changeInstallation(rows[0].id, 'repositories', { removed: ['leaver/leaves'] })
    await runEnds(sha, 'cancelled')
  })

  it('when the installation is suspended; what GitHub shows follows when it is back', async () => {
    const { github } = slipway
    const id = await create('sleeps', 'sleeper')
    const sha = await github.commit('sleeper/sleeps', { branch: 'asleep', files: { Dockerfile: SLOW } })
    await running('sleeper/sleeps', sha)
    const { rows } = await db.query('select installation_id::integer as id from repositories where id = $1', [id])
    await github.changeInstallation(rows[0].id, 'suspend')
    await runEnds(sha, 'cancelled')
    const since = new Date().toISOString()
    await settled()
    const sent = (await github.calls()).filter((call) => call.at > since && call.path.includes('/sleeper/'))
    expect(sent).toEqual([])
    await github.changeInstallation(rows[0].id, 'unsuspend')
    await slipway.process().stop()
    await slipway.start()
    expect((await ended('sleeper/sleeps', sha)).conclusion).toBe('cancelled')
  })

  it('under its new name when the repository is renamed meanwhile', async () => {
    const { github } = slipway
    await create('before')
    const dockerfile = `FROM busybox\nRUN echo ${randomUUID()} && sleep 3\n`
    const sha = await github.commit('acme/before', { branch: 'moving', files: { Dockerfile: dockerfile } })
    await running('acme/before', sha)
    await github.changeRepository('acme/before', { name: 'after' })
    expect((await ended('acme/after', sha)).conclusion).toBe('success')
    const next = await github.commit('acme/after', { branch: 'moved', files: { moved: '1' } })
    expect((await ended('acme/after', next)).conclusion).toBe('success')
  })

  it('when the repository is deleted', async () => {
    const { github } = slipway
    await create('doomed')
    const sha = await github.commit('acme/doomed', { branch: 'doom', files: { Dockerfile: SLOW } })
    await running('acme/doomed', sha)
    await github.deleteRepository('acme/doomed')
    await runEnds(sha, 'cancelled')
  })
})

/** In the database, where GitHub may not be told any more. */
async function runEnds(sha: string, conclusion: string): Promise<void> {
  await slipway.github.waitFor(
    async () => {
      const { rows } = await db.query('select conclusion from runs where sha = $1', [sha])
      return rows.length > 0 && rows.every((row) => row.conclusion === conclusion) ? true : undefined
    },
    { what: `a run that is ${conclusion}`, timeout: PATIENCE_MS },
  )
}

describe('GitHub’s limits', () => {
  it('are kept when many pushes come at once, and ends go before beginnings', async () => {
    const { github } = slipway
    await create('storm', 'stormy')
    const shas: string[] = []
    for (let n = 0; n < 8; n++)
      shas.push(await github.commit('stormy/storm', { branch: `storm-${n}`, files: { n: `${n}` } }))
    for (const sha of shas) expect((await ended('stormy/storm', sha)).conclusion).toBe('success')
    const writes = (await github.calls())
      .filter((call) => call.method !== 'GET' && call.path.includes('/stormy/'))
      .map((call) => Date.parse(call.at))
    // A bucket of ten that refills at one a second: in any stretch of time no more than that, and one for rounding.
    for (const [index, from] of writes.entries()) {
      for (const [more, to] of writes.slice(index).entries()) expect(more).toBeLessThanOrEqual(11 + (to - from) / 1000)
    }
    expect((await github.report()).problems).toEqual([])
  })

  it.each([
    ['a secondary one with a time', { kind: 'secondary', retryAfter: 3 }],
    ['a primary one', { kind: 'primary', retryAfter: 3 }],
  ] as const)('are waited for without a call: %s', async (_words, fault) => {
    const { github } = slipway
    const owner = `limited-${fault.kind}`
    await create('slow', owner)
    await github.restFault({ ...fault, method: 'POST', path: `/${owner}/slow/check-runs`, times: 1 })
    const sha = await github.commit(`${owner}/slow`, { branch: 'limited', files: { limited: '1' } })
    expect((await ended(`${owner}/slow`, sha)).conclusion).toBe('success')
    const calls = (await github.calls()).filter((call) => call.path.includes(`/${owner}/slow/`))
    const at = calls.findIndex((call) => call.fault !== null)
    const next = calls[at + 1]
    expect(Date.parse(next?.at ?? '') - Date.parse(calls[at]?.at ?? '')).toBeGreaterThan(2_000)
  })

  it('of a token that ended before its time cost a new token, not the report', async () => {
    const { github } = slipway
    const sha = await github.commit(REPOSITORY, {
      branch: 'expired',
      files: { Dockerfile: `FROM busybox\nRUN echo ${randomUUID()} && sleep 2\n` },
    })
    await running(REPOSITORY, sha)
    await github.expireTokens()
    expect((await ended(REPOSITORY, sha)).conclusion).toBe('success')
    expect(await github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
  })
})

describe('a kill between the database and GitHub', () => {
  it.each(['lost_answer', 'delay'] as const)('leaves one check run (%s)', async (kind) => {
    const { github } = slipway
    await github.restFault({ kind, method: 'POST', path: '/acme/events/check-runs', milliseconds: 4_000, times: 1 })
    const before = (await github.calls()).length
    const sha = await github.commit(REPOSITORY, { branch: `cut-${kind}`, files: { cut: kind } })
    await github.waitFor(async () =>
      (await github.calls())
        .slice(before)
        .find((call) => call.method === 'POST' && call.path.endsWith('/acme/events/check-runs')),
    )
    await slipway.process().kill()
    await slipway.start()
    expect((await ended(REPOSITORY, sha)).conclusion).toBe('success')
    expect(await github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
  })
})
