/**
 * The queue against a model, on a real PostgreSQL: processes claim, finish, fail, forget and die in any order, and
 * sometimes the dead come back and write. What a lease allows is decided by its generation alone (invariant I11).
 */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import type { ClaimedJob, JobStore, ProcessStore } from '../../../src/queue/ports.ts'
import { openDatabase, sql, type Database } from '../../../src/store/database.ts'
import { createJobStore } from '../../../src/store/jobs.ts'
import { createProcessStore } from '../../../src/store/processes.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

const PROCESSES = 3
const MAX_DEATHS = 3
const KIND = 'model'
const CAP = 2

let database: TestDatabase
let db: Database
let jobs: JobStore
let processes: ProcessStore
beforeAll(async () => {
  database = await createTestDatabase()
  db = openDatabase({ url: database.url }, silentLogger, 4)
  jobs = createJobStore(db)
  processes = createProcessStore(db)
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

interface ModelJob {
  state: 'ready' | 'running' | 'parked' | 'gone'
  holder: number | null
  deaths: number
  again: boolean
}

interface Model {
  /** By key; the newest job of each. */
  readonly jobs: Map<string, ModelJob>
}

interface Real {
  ids: string[]
  /** Every lease that was ever given, with the process that got it; old ones are kept to be tried again. */
  readonly leases: { readonly key: string; readonly process: number; readonly job: ClaimedJob; isCurrent: boolean }[]
}

type Command = fc.AsyncCommand<Model, Real>

const keyOf = (job: ClaimedJob): string => String(job.payload['key'])

function loseLease(real: Real, key: string): void {
  for (const lease of real.leases) if (lease.key === key) lease.isCurrent = false
}

const enqueue = (n: number): Command => ({
  check: () => true,
  async run(model, real) {
    const key = `job-${n}`
    await jobs.enqueue([{ kind: KIND, key, payload: { key }, repositoryId: 1, repositoryCap: CAP }])
    const known = model.jobs.get(key)
    if (known?.state === 'running') known.again = true
    else if (known?.state !== 'ready') model.jobs.set(key, { state: 'ready', holder: null, deaths: 0, again: false })
    void real
  },
  toString: () => `enqueue(${n})`,
})

const claim = (process: number, limit: number): Command => ({
  check: () => true,
  async run(model, real) {
    const claimed = await jobs.claim(real.ids[process] ?? '', [KIND], limit)
    const running = [...model.jobs.values()].filter(({ state }) => state === 'running').length
    const ready = [...model.jobs.values()].filter(({ state }) => state === 'ready').length
    expect(claimed).toHaveLength(Math.min(limit, ready, Math.max(0, CAP - running)))
    for (const job of claimed) {
      const key = keyOf(job)
      const known = model.jobs.get(key)
      expect(known?.state).toBe('ready')
      loseLease(real, key)
      real.leases.push({ key, process, job, isCurrent: true })
      if (known !== undefined) Object.assign(known, { state: 'running', holder: process, again: false })
    }
  },
  toString: () => `claim(${process}, ${limit})`,
})

/** Any lease there ever was: only a current one may have an effect. */
const settle = (pick: number, how: 'complete' | 'retry' | 'park'): Command => ({
  check: () => true,
  async run(model, real) {
    const lease = real.leases[pick % Math.max(1, real.leases.length)]
    if (lease === undefined) return
    const done =
      how === 'complete'
        ? await jobs.complete(lease.job.lease)
        : how === 'retry'
          ? await jobs.retry(lease.job.lease, 0, 'tried', false)
          : await jobs.park(lease.job.lease, 'given up')
    expect(done).toBe(lease.isCurrent)
    if (!lease.isCurrent) return
    lease.isCurrent = false
    const known = model.jobs.get(lease.key)
    if (known === undefined) return
    const isReady = how === 'retry' || (how === 'complete' && known.again)
    Object.assign(known, { state: isReady ? 'ready' : how === 'park' ? 'parked' : 'gone', holder: null, again: false })
  },
  toString: () => `settle(${pick}, ${how})`,
})

const die = (process: number): Command => ({
  check: () => true,
  async run(model, real) {
    const reaped = await processes.reap([real.ids[process] ?? ''], null, MAX_DEATHS)
    const held = [...model.jobs].filter(([, job]) => job.state === 'running' && job.holder === process)
    expect(reaped.map(({ payload }) => (payload as { key: string }).key).toSorted()).toEqual(
      held.map(([key]) => key).toSorted(),
    )
    for (const [key, job] of held) {
      loseLease(real, key)
      const deaths = job.deaths + 1
      Object.assign(job, { state: deaths >= MAX_DEATHS ? 'parked' : 'ready', holder: null, deaths, again: false })
    }
    // The next one of its place.
    const id = randomUUID()
    real.ids[process] = id
    await processes.register({ id, machine: 'model', pid: process })
  },
  toString: () => `die(${process})`,
})

/** A claim whose answer was lost, or an end that was not written: the process has only some of its jobs in hand. */
const forget = (process: number): Command => ({
  check: () => true,
  async run(model, real) {
    const held = real.leases.filter((lease) => lease.isCurrent && lease.process === process)
    const inHand = held.slice(1).map(({ job }) => job.id)
    expect(await jobs.giveBack(real.ids[process] ?? '', inHand, 0)).toBe(Math.min(1, held.length))
    const [lost] = held
    if (lost === undefined) return
    lost.isCurrent = false
    const known = model.jobs.get(lost.key)
    if (known !== undefined) Object.assign(known, { state: 'ready', holder: null, again: false })
  },
  toString: () => `forget(${process})`,
})

const process = fc.nat(PROCESSES - 1)
const COMMANDS = [
  fc.nat(4).map(enqueue),
  fc.tuple(process, fc.integer({ min: 1, max: 3 })).map(([who, limit]) => claim(who, limit)),
  fc
    .tuple(fc.nat(50), fc.constantFrom('complete', 'retry', 'park'))
    .map(([pick, how]) => settle(pick, how as 'complete')),
  process.map(die),
  process.map(forget),
]

it('does what the model does, whatever happens in which order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(COMMANDS, { maxCommands: 40 }), async (commands) => {
      await db.run(sql`truncate jobs, processes`)
      const ids = Array.from({ length: PROCESSES }, () => randomUUID())
      for (const [pid, id] of ids.entries()) await processes.register({ id, machine: 'model', pid })
      await fc.asyncModelRun(() => ({ model: { jobs: new Map() }, real: { ids, leases: [] } }), commands)
    }),
    { numRuns: 40 },
  )
})
