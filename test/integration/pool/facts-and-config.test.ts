import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PoolConfig } from '../../../src/config/server-config.ts'
import { secretOf } from '../../../src/core/secret.ts'
import {
  applyPoolConfig,
  extendForRun,
  heldByRun,
  releaseByFact,
  releaseForRun,
  requestForRun,
} from '../../../src/pool/index.ts'
import { checkRequest, type RequestInput } from '../../../src/pool/check-request.ts'
import { sql } from '../../../src/store/database.ts'
import { createPoolFixture, type PoolFixture } from '../../support/pool-fixture.ts'

let fixture: PoolFixture

beforeAll(async () => {
  fixture = await createPoolFixture()
})

beforeEach(async () => {
  await fixture.reset()
})

afterAll(async () => {
  await fixture.stop()
})

async function hold(input: Partial<RequestInput>): Promise<string> {
  const pool = await fixture.pool()
  const checked = checkRequest({ client: 'a', actor: 'test', ...input }, pool)
  if (checked.kind !== 'ok') throw new Error(checked.message)
  const outcome = await fixture.store.reserve(pool, checked.request)
  if (outcome.kind !== 'granted') throw new Error(outcome.kind)
  return outcome.reservation.id
}

const holders = async () =>
  (await fixture.store.instances('default')).flatMap(({ holder }) => (holder === null ? [] : [holder.client]))

describe('a fact on GitHub', () => {
  const completed = {
    kind: 'workflow_run_completed',
    owner: 'Acme',
    name: 'shop',
    workflowRunId: 47,
    runNumber: 1,
    completedAt: null,
  } as const

  it('frees what a completed workflow run held, its matrix jobs included, and nothing else', async () => {
    await fixture.addInstances(5)
    for (const client of [
      'Acme--shop--47--1',
      'acme--shop--47--1--node-20',
      'acme--shop--47--12',
      'acme--shop--4--71',
      'acme--shop2--47--1',
    ]) {
      await hold({ client })
    }
    await releaseByFact(fixture.store, completed)
    expect(await holders()).toEqual(['acme--shop--47--12', 'acme--shop--4--71', 'acme--shop2--47--1'])
    await releaseByFact(fixture.store, completed)
    expect(await holders()).toHaveLength(3)
  })

  it('does not free what a re-run of the same name took afterwards', async () => {
    await fixture.addInstances(1)
    await hold({ client: 'acme--shop--47--1' })
    await releaseByFact(fixture.store, { ...completed, completedAt: new Date(Date.now() - 60_000) })
    expect(await holders()).toEqual(['acme--shop--47--1'])
  })

  it('frees what pull requests, branches and repositories held that are gone', async () => {
    await fixture.addInstances(5)
    await hold({ client: 'pr', repositoryId: 1, repository: 'acme/shop', pullRequest: 7, branch: 'topic' })
    await hold({ client: 'branch', repositoryId: 1, repository: 'acme/shop', branch: 'topic' })
    await hold({ client: 'acme--shop--1--1' })
    await hold({ client: 'other', repositoryId: 2, repository: 'acme/other', pullRequest: 7, branch: 'topic' })
    await releaseByFact(fixture.store, { kind: 'pull_request_closed', repositoryId: 1, pullRequest: 7 })
    expect(await holders()).toEqual(['branch', 'acme--shop--1--1', 'other'])
    await releaseByFact(fixture.store, { kind: 'branch_deleted', repositoryId: 1, branch: 'topic' })
    expect(await holders()).toEqual(['acme--shop--1--1', 'other'])
    await releaseByFact(fixture.store, {
      kind: 'repositories_gone',
      repositories: [{ id: 1, owner: 'Acme', name: 'Shop' }],
    })
    expect(await holders()).toEqual(['other'])
  })
})

describe('a run', () => {
  const runId = '11111111-1111-4111-8111-111111111111'
  const run = {
    runId,
    repositoryId: 1,
    repository: 'acme/shop',
    pullRequest: null,
    branch: 'main',
    pool: 'default',
    labels: {},
    timeoutMs: 600_000,
    wakeJob: { kind: 'stage', key: `stage:${runId}`, payload: { runId } },
  }

  it('holds one instance however often it asks, with its token, and gives it back', async () => {
    await fixture.addInstances(2)
    const [first, second] = [await requestForRun(fixture, run), await requestForRun(fixture, run)]
    expect(first).toMatchObject({
      kind: 'granted',
      reservation: { domain: 'ci1.example.com', token: 'token-ci1.example.com' },
    })
    expect(second).toEqual(first)
    expect(await heldByRun(fixture, runId)).toMatchObject({ domain: 'ci1.example.com' })
    expect(Number(await extendForRun(fixture, runId, 3_600_000, 'octocat')) - Date.now()).toBeGreaterThan(3_500_000)
    expect(await releaseForRun(fixture, runId)).toBe(true)
    expect(await releaseForRun(fixture, runId)).toBe(false)
    expect(await heldByRun(fixture, runId)).toBeNull()
  })

  it('stands in the line and has its job woken when its turn comes', async () => {
    await fixture.addInstances(1)
    const other = await hold({})
    expect(await requestForRun(fixture, run)).toMatchObject({
      kind: 'waiting',
      place: 1,
      estimateMs: expect.any(Number),
    })
    await fixture.store.end({ by: 'id', id: other }, { ending: 'released', actor: 'test', reason: '' })
    const jobs = await fixture.db.rows(sql`select kind, key, payload from jobs where state = 'ready'`)
    expect(jobs).toEqual([{ kind: 'stage', key: `stage:${runId}`, payload: { runId } }])
    expect(await requestForRun(fixture, run)).toMatchObject({ kind: 'granted' })
  })

  it('is told when no instance can ever serve it', async () => {
    expect(await requestForRun(fixture, run)).toEqual({ kind: 'unservable' })
    expect(await requestForRun(fixture, { ...run, pool: 'nowhere' })).toEqual({ kind: 'unknown_pool' })
  })
})

describe('server.yml', () => {
  const instance = (domain: string, token = 't') => ({ domain, token: secretOf(token), labels: {} })
  const pool = (name: string, ...instances: PoolConfig['instances'][number][]): PoolConfig => ({
    name,
    timeoutMs: 60_000,
    maxTimeoutMs: 120_000,
    cleaning: null,
    health: null,
    instances,
  })
  const domains = async (name = 'default') => (await fixture.store.instances(name)).map(({ domain }) => domain)

  it('makes pools and instances, the default ones first, and changes nothing the second time', async () => {
    const configs = [
      pool('gpu', instance('gpu1.example.com')),
      pool('default', instance('ci1.example.com'), instance('ci2.example.com')),
    ]
    await applyPoolConfig(fixture, configs)
    expect((await fixture.store.instances('default')).map(({ id }) => id)).toEqual(['1', '2'])
    const before = await fixture.store.latestEvent()
    expect(await applyPoolConfig(fixture, configs)).toEqual({ added: [], leaving: [], postponed: [] })
    expect(await fixture.store.latestEvent()).toBe(before)
    expect(await fixture.pool()).toMatchObject({ timeoutMs: 60_000, source: 'file' })
  })

  it('never drops a held instance, and takes it back when it is named again', async () => {
    const both = [pool('default', instance('ci1.example.com'), instance('ci2.example.com'))]
    await applyPoolConfig(fixture, both)
    const id = await hold({})
    expect(await applyPoolConfig(fixture, [pool('default')])).toMatchObject({
      leaving: ['ci1.example.com', 'ci2.example.com'],
    })
    expect(await domains()).toEqual(['ci1.example.com'])
    expect(await holders()).toEqual(['a'])
    await applyPoolConfig(fixture, both)
    await fixture.store.end({ by: 'id', id }, { ending: 'released', actor: 'test', reason: '' })
    expect((await domains()).toSorted()).toEqual(['ci1.example.com', 'ci2.example.com'])
  })

  it('leaves alone what was made over the API, and closes pools that it made and no longer names', async () => {
    await fixture.addInstances(1, 'default', {}, 'manual')
    await applyPoolConfig(fixture, [pool('gpu', instance('gpu1.example.com'))])
    await applyPoolConfig(fixture, [])
    expect(await domains()).toEqual(['manual1.example.com'])
    expect(await fixture.store.findPool('gpu')).toBeNull()
    expect(await fixture.store.findPool('default')).not.toBeNull()
  })

  it('changes a token in place', async () => {
    await applyPoolConfig(fixture, [pool('default', instance('ci1.example.com', 'old'))])
    await applyPoolConfig(fixture, [pool('default', instance('ci1.example.com', 'new'))])
    const [changed] = await fixture.store.instances('default')
    expect(fixture.cipher.open(changed?.sealedToken ?? new Uint8Array(), 'pool-instance:ci1.example.com')).toBe('new')
    expect(changed?.id).toBe('1')
  })
})
