/**
 * kill -9 wherever it hurts: between the webhook's 202 and its work, in the middle of a build, with two processes on one
 * database, with GitHub answering badly. The same ends must come out as if nothing had happened.
 */
import Docker from 'dockerode'
import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import pg from 'pg'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const CONFIG = 'version: 1\nimages:\n  web: {}\n'
const REPOSITORY = 'acme/crash'

let slipway: SlipwayUnderTest
let db: pg.Client
beforeAll(async () => {
  slipway = await startSlipway()
  db = new pg.Client({ connectionString: slipway.database.url })
  await db.connect()
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'crash',
    files: { '.github/slipway.yml': CONFIG, Dockerfile: 'FROM busybox\nRUN true\n' },
  })
})
afterAll(async () => {
  await db.end()
  await slipway.close()
})

describe('kill -9', () => {
  it('in the middle of a build leaves one check run that ends with the truth', async () => {
    const { github } = slipway
    // Unique, so that no cache answers for it.
    const dockerfile = `FROM busybox\nRUN sleep 3 && echo ${randomUUID()}\n`
    const sha = await github.commit(REPOSITORY, { branch: 'killed', files: { Dockerfile: dockerfile } })
    await github.waitFor(async () =>
      (await github.checkRuns(REPOSITORY, sha)).find((run) => run.status === 'in_progress'),
    )
    await slipway.process().kill()
    await slipway.start()
    const check = await github.completedCheck(REPOSITORY, sha, 'deployability', 60_000)
    expect(check.conclusion).toBe('success')
    expect(await github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
    const story = await db.query(`select message from run_events where run_id = $1 order by id`, [check.external_id])
    expect(story.rows.map((row) => row.message).join('\n')).toContain('Taken over')
  })

  it('right after the 202 loses no delivery', async () => {
    const { github } = slipway
    const shas: string[] = []
    for (const branch of ['one', 'two', 'three']) {
      shas.push(
        await github.commit(REPOSITORY, { branch: `burst-${branch}`, files: { [`${branch}.txt`]: randomUUID() } }),
      )
    }
    await github.delivered()
    await slipway.process().kill()
    await slipway.start()
    for (const sha of shas) {
      const check = await github.completedCheck(REPOSITORY, sha, 'deployability', 60_000)
      expect(check.conclusion).toBe('success')
      expect(await github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
    }
  })

  it('of one of two processes hands its work to the other', async () => {
    const { github } = slipway
    const first = slipway.process()
    const second = await slipway.start()
    const shas: string[] = []
    for (let n = 0; n < 4; n++) {
      const dockerfile = `FROM busybox\nRUN sleep 2 && echo ${randomUUID()}\n`
      shas.push(await github.commit(REPOSITORY, { branch: `shared-${n}`, files: { Dockerfile: dockerfile } }))
    }
    await github.waitFor(async () =>
      (await github.checkRuns(REPOSITORY, shas[0] ?? '')).find((run) => run.status === 'in_progress'),
    )
    await second.kill()
    for (const sha of shas)
      expect((await github.completedCheck(REPOSITORY, sha, 'deployability', 90_000)).conclusion).toBe('success')
    expect(first.output()).not.toContain('"level":60')
  })
})

describe('GitHub answering badly', () => {
  it('never makes two check runs of one run, and the last state arrives', async () => {
    const { github } = slipway
    await github.restFault({ kind: 'lost_answer', method: 'POST', path: '/check-runs$', times: 2 })
    await github.restFault({ kind: 'status', status: 502, path: '/check-runs', times: 2 })
    await github.restFault({ kind: 'secondary', path: '/check-runs', retryAfter: 1, times: 1 })
    const sha = await github.commit(REPOSITORY, { branch: 'faulty', files: { 'faulty.txt': randomUUID() } })
    const check = await github.completedCheck(REPOSITORY, sha, 'deployability', 90_000)
    expect(check.conclusion).toBe('success')
    expect(await github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
    await github.clearFaults()
  })

  it('a lost webhook is found by reconciliation, a doubled one has no second effect', async () => {
    const { github } = slipway
    await github.webhookFault({ kind: 'lose', event: 'push', times: 1 })
    const lost = await github.commit(REPOSITORY, { branch: 'lost', files: { 'lost.txt': randomUUID() } })
    await github.delivered()
    await slipway.process().stop()
    await slipway.start()
    expect((await github.completedCheck(REPOSITORY, lost, 'deployability', 60_000)).conclusion).toBe('success')

    await github.clearFaults()
    await github.webhookFault({ kind: 'duplicate', event: 'push', times: 1 })
    const doubled = await github.commit(REPOSITORY, { branch: 'doubled', files: { 'doubled.txt': randomUUID() } })
    await github.completedCheck(REPOSITORY, doubled, 'deployability', 60_000)
    await github.delivered()
    expect(await github.checkRuns(REPOSITORY, doubled)).toHaveLength(1)
    expect((await github.report()).problems).toEqual([])
  })
})

describe('a burst of webhooks', () => {
  it('stores each one that was answered 2xx exactly once', async () => {
    const count = 2_000
    const body = JSON.stringify({ zen: 'Keep it logically awesome.', hook_id: 1 })
    const signature = `sha256=${createHmac('sha256', slipway.simulated.webhookSecret).update(body).digest('hex')}`
    const ids = Array.from({ length: count }, () => randomUUID())
    const send = async (id: string): Promise<number> => {
      const answer = await fetch(`${slipway.url}/api/github/webhooks`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'ping',
          'x-github-delivery': id,
          'x-hub-signature-256': signature,
        },
      })
      await answer.arrayBuffer()
      return answer.status
    }
    const waiting = [...ids, ...ids.slice(0, 100)]
    const statuses: number[] = []
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) statuses.push(await send(id))
      }),
    )
    expect(new Set(statuses)).toEqual(new Set([202]))
    const stored = await db.query('select count(*)::integer as n from deliveries where id = any($1)', [ids])
    expect(stored.rows[0].n).toBe(count)
  })
})

describe('when everything has ended', () => {
  it('nothing of ours is left on the Docker host but images', async () => {
    const docker = new Docker()
    const [row] = (await db.query(`select value from settings where key = 'instance_id'`)).rows
    const filters = { label: [`slipway.instance=${row.value}`] }
    expect(await docker.listContainers({ all: true, filters })).toEqual([])
  })
})
