import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkRequest } from '../../../src/pool/check-request.ts'
import { reserve } from '../../../src/pool/reserve.ts'
import type { CleaningOutcome, Instance } from '../../../src/pool/index.ts'
import { createPoolFixture, type PoolFixture } from '../../support/pool-fixture.ts'
import { sql } from '../../../src/store/database.ts'
import { JOBS_CHANNEL } from '../../../src/store/jobs.ts'

const CLEANING = { kind: 'container', image: 'busybox', commands: ['echo clean'], timeoutMs: 60_000 } as const
const HEALTH = { path: '/', timeoutMs: 1000 }

let fixture: PoolFixture
let clean: () => CleaningOutcome
let sick: ReadonlySet<string>
let cleanings = 0

beforeAll(async () => {
  fixture = await createPoolFixture({
    clean: () => {
      cleanings++
      return clean()
    },
    health: (domain) => (sick.has(domain) ? 'answered 503' : null),
  })
})

beforeEach(async () => {
  await fixture.reset()
  clean = () => ({ kind: 'clean' })
  sick = new Set()
  cleanings = 0
})

afterAll(async () => {
  await fixture.stop()
})

async function hold(poolName: string, client: string) {
  const answer = await reserve(
    fixture,
    await fixture.pool(poolName),
    { client, actor: 'test' },
    new AbortController().signal,
  )
  return answer
}

const release = (id: string) => fixture.store.end({ by: 'id', id }, { ending: 'released', actor: 'test', reason: '' })

/** The instance once it is `state`. Retries come at once: only the order of things is looked at here. */
async function untilState(poolName: string, state: string): Promise<Instance | undefined> {
  return vi.waitFor(
    async () => {
      await fixture.db.run(sql`update jobs set run_at = now() where kind = 'pool-prepare' and state = 'ready'`)
      await fixture.db.notify(JOBS_CHANNEL, '')
      const [instance] = await fixture.store.instances(poolName)
      expect(instance?.state).toBe(state)
      return instance
    },
    { timeout: 60_000, interval: 100 },
  )
}

describe('cleaning', () => {
  it('comes between two users, and nobody holds the instance before it is proved', async () => {
    let finish = (): void => undefined
    await fixture.createPool('clean', { cleaning: CLEANING })
    await fixture.addInstances(1, 'clean')
    const first = await hold('clean', 'a')
    if (first.kind !== 'granted') throw new Error(first.kind)
    clean = () => {
      finish()
      return { kind: 'clean' }
    }
    const cleaned = new Promise<void>((resolve) => {
      finish = resolve
    })
    await release(first.reservation.id)
    await cleaned
    await untilState('clean', 'free')
    expect((await hold('clean', 'b')).kind).toBe('granted')
    const kinds = (await fixture.store.events('clean', null, 10, null)).map(({ kind }) => kind)
    expect(kinds).toEqual(['reserved', 'cleaned', 'released', 'reserved', 'added'])
    expect(cleanings).toBe(1)
  })

  it('that fails three times puts the instance aside, visibly and for good', async () => {
    clean = () => ({ kind: 'failed', cause: 'exit code 1: cannot log in' })
    await fixture.createPool('broken', { cleaning: CLEANING })
    await fixture.addInstances(1, 'broken')
    const first = await hold('broken', 'a')
    if (first.kind !== 'granted') throw new Error(first.kind)
    await release(first.reservation.id)
    const instance = await untilState('broken', 'quarantined')
    expect(instance).toMatchObject({ failures: 3, lastError: 'exit code 1: cannot log in' })
    expect(await hold('broken', 'b')).toMatchObject({ kind: 'none_free' })
    await fixture.store.sweep()
    expect((await fixture.store.instances('broken'))[0]?.state).toBe('quarantined')
    expect((await fixture.store.overviews()).find(({ pool }) => pool.name === 'broken')).toMatchObject({
      counts: { free: 0, quarantined: 1 },
      capacity: 0,
    })
    expect(await fixture.store.record(instance?.id ?? '')).toEqual({ holds: 1, failures: 3, failureRate: 1 })

    clean = () => ({ kind: 'clean' })
    await fixture.store.order(await fixture.pool('broken'), instance?.id ?? '', 'restore', 'test', '')
    expect(await untilState('broken', 'free')).toMatchObject({ failures: 0 })
  })

  it('gives the instance to whoever waits as soon as it succeeds', async () => {
    await fixture.createPool('clean', { cleaning: CLEANING })
    await fixture.addInstances(1, 'clean')
    const first = await hold('clean', 'a')
    if (first.kind !== 'granted') throw new Error(first.kind)
    const pool = await fixture.pool('clean')
    const checked = checkRequest(
      { client: 'b', actor: 'test', wait: { forMs: 60_000, ttlMs: null, waiterId: null, wakeJob: null } },
      pool,
    )
    if (checked.kind !== 'ok') throw new Error(checked.message)
    await fixture.store.reserve(pool, checked.request)
    await release(first.reservation.id)
    await vi.waitFor(async () => expect((await fixture.store.instances('clean'))[0]?.holder?.client).toBe('b'))
    expect(cleanings).toBe(1)
  })
})

describe('health', () => {
  it('is asked before an instance is handed out, and a sick one is passed over', async () => {
    await fixture.createPool('watched', { health: HEALTH })
    await fixture.addInstances(2, 'watched')
    sick = new Set(['ci1.example.com'])
    expect(await hold('watched', 'a')).toMatchObject({
      kind: 'granted',
      reservation: { instances: [{ domain: 'ci2.example.com' }] },
    })
    const [first] = await fixture.store.instances('watched')
    expect(first).toMatchObject({ state: 'cleaning', lastError: 'answered 503', failures: 1 })
    expect((await untilState('watched', 'quarantined'))?.failures).toBe(3)
  })

  it('refuses who does not wait when every free instance is sick', async () => {
    await fixture.createPool('watched', { health: HEALTH })
    await fixture.addInstances(2, 'watched')
    sick = new Set(['ci1.example.com', 'ci2.example.com'])
    expect(await hold('watched', 'a')).toMatchObject({ kind: 'none_free' })
    expect(await fixture.store.queue('watched')).toEqual([])
  })

  it('lets the time of a reservation begin when it was found healthy', async () => {
    await fixture.createPool('watched', { health: HEALTH, timeoutMs: 60_000 })
    await fixture.addInstances(1, 'watched')
    const answer = await hold('watched', 'a')
    if (answer.kind !== 'granted') throw new Error(answer.kind)
    expect(Number(answer.reservation.expiresAt) - Number(answer.reservation.grantedAt)).toBe(60_000)
  })
})
