import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { checkRequest, type RequestInput } from '../../../src/pool/check-request.ts'
import type { Pool } from '../../../src/pool/index.ts'
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

const WAIT = { forMs: 600_000, ttlMs: 60_000, waiterId: null, wakeJob: null }

async function ask(pool: Pool, client: string, more: Partial<RequestInput> = {}) {
  const checked = checkRequest({ client, actor: 'test', ...more }, pool)
  if (checked.kind === 'invalid') throw new Error(`${checked.field} ${checked.message}`)
  return fixture.store.reserve(pool, checked.request)
}

async function held(pool: Pool, client: string, more: Partial<RequestInput> = {}) {
  const outcome = await ask(pool, client, more)
  if (outcome.kind !== 'granted') throw new Error(`expected to be granted, was ${outcome.kind}`)
  return outcome.reservation
}

const RELEASE = { ending: 'released', actor: 'test', reason: '' } as const
const release = (id: string) => fixture.store.end({ by: 'id', id }, RELEASE)

async function stateOf(id: string): Promise<string> {
  const reservation = await fixture.store.findReservation(id)
  return reservation?.ending ?? reservation?.state ?? 'unknown'
}

describe('reserving', () => {
  it('hands out the lowest free instance and says until when', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(2)
    const first = await held(pool, 'a')
    const second = await held(pool, 'b')
    expect([first, second].map((r) => r.instances.map((i) => i.domain))).toEqual([
      ['ci1.example.com'],
      ['ci2.example.com'],
    ])
    expect(Number(first.expiresAt) - Number(first.grantedAt)).toBe(45 * 60_000)
    expect(await ask(pool, 'c')).toMatchObject({ kind: 'none_free' })
  })

  it('can hand out the one that rested longest', async () => {
    const pool = await fixture.createPool('resting', { selection: 'least_recent' })
    await fixture.addInstances(2, 'resting')
    await release((await held(pool, 'a')).id)
    expect((await held(pool, 'b')).instances[0]?.domain).toBe('ci2.example.com')
  })

  it('never gives one instance to two of many that come at once', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(5)
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(pool, `client ${n}`)))
    const domains = outcomes.flatMap((o) => (o.kind === 'granted' ? o.reservation.instances.map((i) => i.domain) : []))
    expect(domains.toSorted()).toEqual([1, 2, 3, 4, 5].map((n) => `ci${n}.example.com`))
  })

  it('is refused by the database itself where two would hold', async () => {
    const [instance] = await fixture.addInstances(1)
    const { id } = await held(await fixture.pool(), 'a')
    await expect(
      fixture.db.run(sql`insert into pool_holds (reservation_id, instance_id) values (${id}, ${instance})`),
    ).rejects.toThrow('pool_holds_one_holder')
  })

  it('gives several whole or not at all', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(3)
    const one = await held(pool, 'a')
    expect(await ask(pool, 'b', { count: 3 })).toMatchObject({ kind: 'none_free' })
    const waiting = await ask(pool, 'b', { count: 3, wait: WAIT })
    expect(waiting.kind).toBe('waiting')
    await release(one.id)
    if (waiting.kind !== 'waiting') return
    const granted = await fixture.store.findReservation(waiting.reservation.id)
    expect(granted?.instances.map((i) => i.domain)).toEqual(['ci1.example.com', 'ci2.example.com', 'ci3.example.com'])
  })

  it('chooses by labels and by name', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(1, 'default', { size: 's' }, 'small')
    const [large] = await fixture.addInstances(1, 'default', { size: 'l', region: 'eu' }, 'large')
    expect((await held(pool, 'a', { labels: { size: 'l' } })).instances[0]?.domain).toBe('large1.example.com')
    expect(await ask(pool, 'b', { instanceId: large ?? '' })).toMatchObject({ kind: 'none_free' })
    expect(await ask(pool, 'c', { labels: { size: 'xl' } })).toEqual({ kind: 'unservable', matching: 0 })
    expect(await ask(pool, 'c', { count: 3 })).toEqual({ kind: 'unservable', matching: 2 })
  })

  it('answers the same request with the same reservation', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(3)
    const answers = await Promise.all([1, 2, 3].map(() => held(pool, 'a', { idempotencyKey: 'k' })))
    expect(new Set(answers.map((r) => r.id)).size).toBe(1)
    await release(answers[0]?.id ?? '')
    expect(await ask(pool, 'a', { idempotencyKey: 'k' })).toMatchObject({ kind: 'ended' })
  })

  it('keeps a client that may have one from having two', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(5)
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => ask(pool, 'a', { isExclusive: true })))
    expect(outcomes.map((o) => o.kind).toSorted()).toEqual(['duplicate', 'duplicate', 'duplicate', 'granted'])
  })

  it('keeps a repository within its limits', async () => {
    const pool = await fixture.createPool('limited', { maxHeldPerRepository: 1, maxWaitingPerRepository: 1 })
    await fixture.addInstances(3, 'limited')
    const first = await held(pool, 'acme--shop--1--1')
    expect(await ask(pool, 'acme--shop--2--1')).toEqual({ kind: 'limit_reached', limit: 'held', max: 1 })
    const waiting = await ask(pool, 'acme--shop--2--1', { wait: WAIT })
    expect(waiting.kind).toBe('waiting')
    expect((await ask(pool, 'acme--other--1--1')).kind).toBe('granted')
    await release(first.id)
    expect(waiting.kind === 'waiting' && (await stateOf(waiting.reservation.id))).toBe('held')
  })
})

describe('the line', () => {
  it('serves by priority, then whoever has less, then age', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(1)
    let holder = (await held(pool, 'x--x--1--1')).id
    const wait = async (client: string, priority = 0) => {
      const outcome = await ask(pool, client, { wait: WAIT, priority })
      if (outcome.kind !== 'waiting') throw new Error(outcome.kind)
      return outcome.reservation.id
    }
    const ids = new Map<string, string>()
    for (const client of ['a--a--1--1', 'a--a--2--1', 'a--a--3--1', 'b--b--1--1']) ids.set(await wait(client), client)
    ids.set(await wait('c--c--1--1', 5), 'c--c--1--1')
    expect((await fixture.store.queue('default')).map((entry) => entry.client)).toEqual([
      'c--c--1--1',
      'a--a--1--1',
      'b--b--1--1',
      'a--a--2--1',
      'a--a--3--1',
    ])
    const served: string[] = []
    while (ids.size > 0) {
      await release(holder)
      const [instance] = await fixture.store.instances('default')
      holder = instance?.holder?.reservationId ?? ''
      served.push(ids.get(holder) ?? '')
      ids.delete(holder)
    }
    expect(served).toEqual(['c--c--1--1', 'a--a--1--1', 'b--b--1--1', 'a--a--2--1', 'a--a--3--1'])
  })

  it('serves the only request of one repository within two releases of another that queued fifty', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(3)
    const holders = [await held(pool, 'a--a--1--1'), await held(pool, 'a--a--1--2'), await held(pool, 'a--a--1--3')]
    for (let n = 0; n < 50; n++) await ask(pool, `a--a--2--${n}`, { wait: WAIT })
    const late = await ask(pool, 'b--b--1--1', { wait: WAIT })
    for (const { id } of holders.slice(0, 2)) await release(id)
    expect(late.kind === 'waiting' && (await stateOf(late.reservation.id))).toBe('held')
  })

  it('lets those pass who can be served when the first cannot', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(1, 'default', { size: 's' }, 'small')
    await fixture.addInstances(1, 'default', { size: 'l' }, 'large')
    await held(pool, 'a', { labels: { size: 'l' } })
    const small = await held(pool, 'b', { labels: { size: 's' } })
    await ask(pool, 'c', { labels: { size: 'l' }, wait: WAIT })
    const next = await ask(pool, 'd', { wait: WAIT })
    await release(small.id)
    expect(next.kind === 'waiting' && (await stateOf(next.reservation.id))).toBe('held')
    expect(await fixture.store.queue('default')).toHaveLength(1)
  })

  it('is left by a waiter who is no longer seen, and whose wait is over', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(1)
    await held(pool, 'a')
    const gone = await ask(pool, 'b', { wait: WAIT })
    const patient = await ask(pool, 'c', { wait: { ...WAIT, forMs: 30_000, ttlMs: null } })
    if (gone.kind !== 'waiting' || patient.kind !== 'waiting') throw new Error('both should wait')
    await longSteady()
    await fixture.age(gone.reservation.id, '2 minutes')
    await fixture.age(patient.reservation.id, '31 seconds')
    await fixture.store.sweep()
    expect([await stateOf(gone.reservation.id), await stateOf(patient.reservation.id)]).toEqual([
      'withdrawn',
      'gave_up',
    ])
  })

  it('refuses those who wait for an instance that was removed', async () => {
    const pool = await fixture.pool()
    const [id] = await fixture.addInstances(1)
    const holder = await held(pool, 'a')
    const waiting = await ask(pool, 'b', { wait: WAIT })
    await fixture.store.order(pool, id ?? '', 'remove', 'test', '')
    expect(waiting.kind === 'waiting' && (await stateOf(waiting.reservation.id))).toBe('unservable')
    expect(await stateOf(holder.id)).toBe('held')
    await release(holder.id)
    expect(await fixture.store.instances('default')).toEqual([])
  })
})

describe('the end', () => {
  it('comes once, however many release and sweep at once', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(1)
    const { id } = await held(pool, 'a')
    await fixture.age(id, '1 hour')
    await Promise.all([...Array.from({ length: 5 }, () => fixture.store.sweep()), release(id), release(id)])
    expect(fixture.counted).toHaveLength(1)
    const kinds = (await fixture.store.events('default', null, 10, null)).map((event) => event.kind)
    expect(kinds.filter((kind) => kind === 'expired' || kind === 'released')).toHaveLength(1)
  })

  it('of an old reservation never touches a newer one of the same client', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(1)
    const old = await held(pool, 'a', { isExclusive: true })
    await release(old.id)
    const newer = await held(pool, 'a', { isExclusive: true })
    expect(BigInt(newer.generation)).toBeGreaterThan(BigInt(old.generation))
    await release(old.id)
    await fixture.store.sweep()
    expect(await stateOf(newer.id)).toBe('held')
  })

  it('can be put off up to the maximum, and never back', async () => {
    const pool = await fixture.createPool('short', { timeoutMs: 60_000, maxTimeoutMs: 120_000 })
    await fixture.addInstances(1, 'short')
    const { id, grantedAt, expiresAt } = await held(pool, 'a')
    expect((await fixture.store.extend(id, 1000, 'test'))?.until).toEqual(expiresAt)
    const most = await fixture.store.extend(id, 3_600_000, 'test')
    expect(Number(most?.until) - Number(grantedAt)).toBe(120_000)
    expect(most?.gained).toBe(true)
    expect((await fixture.store.extend(id, 3_600_000, 'test'))?.gained).toBe(false)
    await release(id)
    expect(await fixture.store.extend(id, 1000, 'test')).toBeNull()
  })

  it('comes when heartbeats stop, but not for the silence of our own outage', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(1)
    const { id } = await held(pool, 'a', { heartbeatMs: 10_000 })
    await fixture.age(id, '31 seconds')
    await fixture.db.run(
      sql`update pool_sweeps set swept_at = now() - interval '1 minute', steady_since = now() - interval '1 hour'`,
    )
    await fixture.store.sweep()
    expect(await stateOf(id)).toBe('held')
    expect(await fixture.store.beat(id)).toBe(true)
    await longSteady()
    await fixture.store.sweep()
    expect(await stateOf(id)).toBe('held')
    await fixture.age(id, '31 seconds')
    await fixture.store.sweep()
    expect(await stateOf(id)).toBe('reaped')
    expect(await fixture.store.beat(id)).toBe(false)
  })

  it('waits for a person when the work failed and that was asked for', async () => {
    const pool = await fixture.pool()
    await fixture.addInstances(1)
    const { id } = await held(pool, 'a', { holdOnFailureMs: 600_000 })
    expect(await fixture.store.end({ by: 'id', id }, { ...RELEASE, failed: true })).toEqual([])
    expect(await fixture.store.findReservation(id)).toMatchObject({ state: 'held', isKeptForDebugging: true })
    await release(id)
    expect(await stateOf(id)).toBe('released')
  })

  it('comes by stealing only on order, and the next holder is the thief', async () => {
    const pool = await fixture.pool()
    const [instance = ''] = await fixture.addInstances(1)
    const victim = await held(pool, 'a')
    await ask(pool, 'b', { wait: WAIT })
    const checked = checkRequest({ client: 'thief', actor: 'octocat' }, pool)
    if (checked.kind !== 'ok') throw new Error(checked.message)
    const stolen = await fixture.store.steal(pool, instance, checked.request, 'a demonstration')
    expect(await stateOf(victim.id)).toBe('stolen')
    expect((await fixture.store.findInstance('default', instance))?.holder?.reservationId).toBe(stolen?.id)
    expect(await fixture.store.queue('default')).toHaveLength(1)
  })
})

async function longSteady(): Promise<void> {
  await fixture.db.run(sql`update pool_sweeps set swept_at = now(), steady_since = now() - interval '1 hour'`)
}
