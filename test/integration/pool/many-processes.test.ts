/**
 * Two hundred clients on twenty instances through three processes, one of which is killed every few seconds. What
 * happened is judged by the history in the database, not by what clients believe.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { sql } from '../../../src/store/database.ts'
import { createPoolFixture, type PoolFixture } from '../../support/pool-fixture.ts'
import { POOL_TOKEN } from '../../support/pool-server.ts'

const PROCESSES = 3
const CLIENTS = 200
const INSTANCES = 20
/** The game lasts until so many processes were killed, however long a new one takes to start. */
const KILLS = 5
const KILL_EVERY_MS = 3_000

let fixture: PoolFixture
const key = randomBytes(32).toString('base64')
const children: { process: ChildProcess; url: string }[] = []

beforeAll(async () => {
  fixture = await createPoolFixture()
  await fixture.addInstances(INSTANCES)
  for (let n = 0; n < PROCESSES; n++) children.push(await startProcess())
})

afterAll(async () => {
  for (const { process } of children) process.kill('SIGKILL')
  await fixture.stop()
})

it('never has two holders, loses no instance and drains the line, whoever dies', async () => {
  const random = seeded(7)
  const over = new AbortController()
  const clients = Array.from({ length: CLIENTS }, (_, n) => playClient(n, over.signal, random))
  await killNowAndThen(random)
  over.abort()
  const counts = await Promise.all(clients)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(INSTANCES)

  // What nobody released any more ends by its own time.
  await vi.waitFor(
    async () => {
      const open = await fixture.db.first<{ n: string }>(
        sql`select count(*) as n from pool_reservations where state <> 'ended'`,
      )
      expect(open?.n).toBe('0')
    },
    { timeout: 60_000, interval: 250 },
  )
  expect(await overlappingHolds()).toEqual([])
  expect((await fixture.store.instances('default')).map(({ state }) => state)).toEqual(
    Array<string>(INSTANCES).fill('free'),
  )
  expect(await fixture.store.queue('default')).toEqual([])
  // Ended on time: nobody held longer than asked for by more than the sweep may take, three dying processes or not.
  const late = await fixture.db.first<{ worst: number }>(sql`
    select coalesce(max(extract(epoch from ended_at - expires_at)), 0)::float8 as worst from pool_reservations where ending = 'expired'`)
  expect(late?.worst).toBeLessThan(30)
  const doubleEnds = await fixture.db.rows(sql`
    select reservation_id, instance_id from pool_events where instance_id is not null
      and kind in ('released', 'expired', 'withdrawn') group by 1, 2 having count(*) > 1`)
  expect(doubleEnds).toEqual([])
})

/** Reserves, waits, extends, forgets to release or hangs up, as chance has it; returns how often it held. */
async function playClient(n: number, over: AbortSignal, random: () => number): Promise<number> {
  const client = `owner${n % 9}--repo--${n}--1`
  let held = 0
  while (!over.aborted) {
    const wait = random() < 0.7 ? 3 : 0
    const hangUp = random() < 0.1 ? AbortSignal.timeout(50) : undefined
    const domain = await send('POST', 'reserve', { client, wait, timeout: (0.5 + random()) / 60 }, random, hangUp)
    if (domain === null) {
      await pause(50 + random() * 200)
      continue
    }
    held++
    await pause(random() * 150)
    if (random() < 0.85) await send('DELETE', 'release', { client }, random)
  }
  return held
}

async function send(
  method: string,
  verb: string,
  json: object,
  random: () => number,
  signal?: AbortSignal,
): Promise<string | null> {
  const target = children[Math.floor(random() * children.length)]
  try {
    const answer = await fetch(`${target?.url ?? ''}/api/instances/${verb}`, {
      method,
      headers: { authorization: `Bearer ${POOL_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(json),
      ...(signal === undefined ? {} : { signal }),
    })
    const text = await answer.text()
    if (answer.status !== 503) expect([verb, answer.status, answer.ok ? '' : text]).toEqual([verb, 200, ''])
    return answer.ok ? text : null
  } catch (error) {
    // A process was killed under the request, or the client hung up.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) return null
    throw error
  }
}

async function killNowAndThen(random: () => number): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(KILL_EVERY_MS)
    const index = Math.floor(random() * PROCESSES)
    children[index]?.process.kill('SIGKILL')
    children[index] = await startProcess()
  }
  await pause(KILL_EVERY_MS)
}

async function startProcess(): Promise<{ process: ChildProcess; url: string }> {
  const script = join(import.meta.dirname, '..', '..', 'support', 'pool-process.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, fixture.database.url, key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { process: child, url: line.toString().trim() }
}

/** Pairs of holds of one instance that were open at the same time. */
function overlappingHolds(): Promise<object[]> {
  return fixture.db.rows(sql`
    select a.instance_id, a.id, b.id as other from pool_holds a join pool_holds b on b.instance_id = a.instance_id and b.id > a.id
    where tstzrange(a.since, a.until) && tstzrange(b.since, b.until)`)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Repeatable chance. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}
