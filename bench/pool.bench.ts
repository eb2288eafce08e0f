/** Speed of the release pool: each figure beside what the same PostgreSQL can do without us. */
import type { PoolStore, ReservationRequest } from '../src/pool/index.ts'
import { checkRequest } from '../src/pool/check-request.ts'
import { sql, type Database } from '../src/store/database.ts'

/** SPEC 14 measures at this concurrency. */
const CONCURRENCY = 32
const ROUNDS = 1_500
const HAND_OVERS = 200
const MANY_INSTANCES = 1_000
const MANY_WAITERS = 500

export interface BenchRow {
  readonly name: string
  readonly value: number
  readonly floor: number
  readonly ratio: number
  readonly goal: string
  readonly pass: boolean
}

export interface PoolBench {
  readonly db: Database
  readonly store: PoolStore
  /** Where the routes are served, by a process of its own. */
  readonly url: string
  readonly token: string
  /** On an empty pool `default`. */
  readonly addInstances: (count: number) => Promise<unknown>
}

export async function benchPool(bench: PoolBench): Promise<readonly BenchRow[]> {
  await bench.addInstances(CONCURRENCY)
  const floor = await measure((n) => reserveAndRelease(bench.store, `sql-${n}`, bench))
  const http = await measure((n) => reserveAndReleaseOverHttp(bench, `http-${n}`))
  const rows = [
    row(
      'reserve + release over HTTP, 32 at once (a second)',
      http.rate,
      floor.rate,
      http.rate / floor.rate,
      'at least 0.3',
      (ratio) => ratio >= 0.3,
    ),
    row(
      'reserve + release over HTTP, p99 (ms)',
      http.p99,
      floor.p99,
      http.p99 / floor.p99,
      'at most 4',
      (ratio) => ratio <= 4,
    ),
  ]
  rows.push(await handOver(bench))
  rows.push(await slope(bench))
  return rows
}

/** Release until the next waiter holds, against NOTIFY and one claiming UPDATE. */
async function handOver(bench: PoolBench): Promise<BenchRow> {
  const { db, store } = bench
  const pool = await requirePool(store)
  const listener = await db.connect()
  await listener.query('listen bench_floor; listen slipway_pool')
  const heard = (): Promise<void> => new Promise((resolve) => listener.once('notification', () => resolve()))
  await db.run(sql`create table bench_floor (id int primary key, holder text)`)
  await db.run(sql`insert into bench_floor values (1, null)`)
  const floors: number[] = []
  const ours: number[] = []
  try {
    for (let n = 0; n < HAND_OVERS; n++) {
      const begun = performance.now()
      const told = heard()
      await db.notify('bench_floor', '')
      await told
      await db.run(sql`update bench_floor set holder = ${String(n)} where id = 1`)
      floors.push(performance.now() - begun)
    }
    const taken = await store.reserve(pool, { ...requestOf(pool, 'all'), count: CONCURRENCY })
    if (taken.kind !== 'granted') throw new Error(`the pool should be free, was ${taken.kind}`)
    await store.end({ by: 'id', id: taken.reservation.id }, RELEASED)
    const full = await Promise.all(
      Array.from({ length: CONCURRENCY }, (_, n) => store.reserve(pool, requestOf(pool, `full-${n}`))),
    )
    let holder = full[0]?.kind === 'granted' ? full[0].reservation.id : ''
    for (let n = 0; n < HAND_OVERS; n++) {
      const next = await store.reserve(pool, {
        ...requestOf(pool, `next-${n}`),
        wait: { forMs: 600_000, ttlMs: null, waiterId: null, wakeJob: null },
      })
      if (next.kind !== 'waiting') throw new Error(`the pool should be full, was ${next.kind}`)
      const begun = performance.now()
      const told = heard()
      await store.end({ by: 'id', id: holder }, RELEASED)
      await told
      ours.push(performance.now() - begun)
      holder = next.reservation.id
    }
    await store.end({ by: 'id', id: holder }, RELEASED)
    for (const outcome of full)
      if (outcome.kind === 'granted') await store.end({ by: 'id', id: outcome.reservation.id }, RELEASED)
  } finally {
    await db.run(sql`drop table bench_floor`)
    await listener.end()
  }
  const [value, floor] = [percentile(ours, 0.5), percentile(floors, 0.5)]
  return row(
    'release until the next waiter holds (ms)',
    value,
    floor,
    value / floor,
    'at most 5',
    (ratio) => ratio <= 5,
  )
}

/** With a thousand instances and five hundred who wait, the last rounds must not be slower than the first. */
async function slope(bench: PoolBench): Promise<BenchRow> {
  const { store } = bench
  const pool = await requirePool(store)
  await bench.addInstances(MANY_INSTANCES - CONCURRENCY)
  const held: string[] = []
  for (let n = 0; n < MANY_INSTANCES; n++) {
    const outcome = await store.reserve(pool, requestOf(pool, `many-${n}--x--1--1`))
    if (outcome.kind === 'granted') held.push(outcome.reservation.id)
  }
  const wait = { forMs: 3_600_000, ttlMs: null, waiterId: null, wakeJob: null }
  const line: string[] = []
  const queueUp = async (n: number): Promise<void> => {
    const outcome = await store.reserve(pool, { ...requestOf(pool, `wait-${n}--x--1--1`), wait })
    if (outcome.kind === 'waiting') line.push(outcome.reservation.id)
  }
  for (let n = 0; n < MANY_WAITERS; n++) await queueUp(n)
  const times: number[] = []
  for (let n = 0; n < HAND_OVERS * 2; n++) {
    const begun = performance.now()
    await queueUp(MANY_WAITERS + n)
    await store.end({ by: 'id', id: held[n] ?? '' }, RELEASED)
    times.push(performance.now() - begun)
  }
  const half = times.length / 2
  const [first, last] = [percentile(times.slice(0, half), 0.99), percentile(times.slice(half), 0.99)]
  return row(
    '1000 instances, 500 waiters: p99 of the second half against the first (ms)',
    last,
    first,
    last / first,
    'at most 1.5',
    (ratio) => ratio <= 1.5,
  )
}

const RELEASED = { ending: 'released', actor: 'bench', reason: '' } as const

async function reserveAndRelease(store: PoolStore, client: string, bench: PoolBench): Promise<void> {
  const pool = await requirePool(bench.store)
  const outcome = await store.reserve(pool, { ...requestOf(pool, client), isExclusive: true })
  if (outcome.kind !== 'granted') throw new Error(`expected to hold, was ${outcome.kind}`)
  await store.end({ by: 'client', pool: pool.name, client }, RELEASED)
}

async function reserveAndReleaseOverHttp({ url, token }: PoolBench, client: string): Promise<void> {
  const send = async (method: string, verb: string): Promise<void> => {
    const answer = await fetch(`${url}/api/instances/${verb}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ client }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${verb} answered ${answer.status}: ${text}`)
  }
  await send('POST', 'reserve')
  await send('DELETE', 'release')
}

async function measure(work: (n: number) => Promise<void>): Promise<{ readonly rate: number; readonly p99: number }> {
  const times: number[] = []
  let next = 0
  const begun = performance.now()
  const worker = async (): Promise<void> => {
    while (next < ROUNDS) {
      const n = next++
      const start = performance.now()
      await work(n)
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  return { rate: (ROUNDS * 1000) / (performance.now() - begun), p99: percentile(times, 0.99) }
}

async function requirePool(store: PoolStore) {
  const pool = await store.findPool('default')
  if (pool === null) throw new Error('there is no default pool')
  return pool
}

function requestOf(pool: Awaited<ReturnType<typeof requirePool>>, client: string): ReservationRequest {
  const checked = checkRequest({ client, actor: 'bench' }, pool)
  if (checked.kind !== 'ok') throw new Error(checked.message)
  return checked.request
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
}

function row(
  name: string,
  value: number,
  floor: number,
  ratio: number,
  goal: string,
  isMet: (ratio: number) => boolean,
): BenchRow {
  return { name, value, floor, ratio, goal, pass: isMet(ratio) }
}
