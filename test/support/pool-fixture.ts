/** A release pool on a database of its own, with everything that runs in a process beside it. */
import { randomBytes } from 'node:crypto'
import { silentLogger } from '../../src/core/logger.ts'
import { systemClock } from '../../src/core/clock.ts'
import {
  createPoolJobs,
  tokenContext,
  type CleaningOutcome,
  type Ending,
  type Pool,
  type PoolSettings,
} from '../../src/pool/index.ts'
import { startWorker } from '../../src/queue/worker.ts'
import { createCipher } from '../../src/store/cipher.ts'
import { openDatabase, sql } from '../../src/store/database.ts'
import { createJobStore, JOBS_CHANNEL } from '../../src/store/jobs.ts'
import { startNotifications } from '../../src/store/notifications.ts'
import { createPoolStore } from '../../src/store/pool/pool-store.ts'
import { startPoolSignals } from '../../src/store/pool/signals.ts'
import { createTestDatabase } from './database.ts'

export type PoolFixture = Awaited<ReturnType<typeof createPoolFixture>>

export interface FixtureOptions {
  /** Answers of the cleaning, by domain; clean where nothing is said. */
  readonly clean?: (domain: string) => CleaningOutcome
  /** Null: healthy. */
  readonly health?: (domain: string) => string | null
}

export async function createPoolFixture(options: FixtureOptions = {}) {
  const database = await createTestDatabase()
  const db = openDatabase({ url: database.url }, silentLogger)
  const cipher = createCipher(randomBytes(32).toString('base64'))
  const counted: { pool: string; ending: Ending }[] = []
  const store = createPoolStore(db, {
    waited: () => undefined,
    held: () => undefined,
    ended: (pool, ending) => counted.push({ pool, ending }),
    failed: () => undefined,
  })
  const notifications = await startNotifications(db, silentLogger)
  const signals = startPoolSignals(store, notifications, silentLogger)
  const worker = startWorker({
    processId: await registerProcess(db),
    store: createJobStore(db),
    handlers: createPoolJobs({
      store,
      cipher,
      cleaningRunner: {
        run: ({ env }) => Promise.resolve(options.clean?.(env['SLIPWAY_INSTANCE_DOMAIN'] ?? '') ?? { kind: 'clean' }),
      },
      callHook: () => Promise.resolve(null),
      probe: { check: (domain) => Promise.resolve(options.health?.(domain) ?? null) },
      clock: systemClock,
    }),
    lanes: [{ name: 'pool', kinds: ['pool-prepare', 'pool-probe'], concurrency: 4 }],
    subscribe: (wake) => notifications.subscribe(JOBS_CHANNEL, wake),
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
  })

  return {
    database,
    db,
    store,
    cipher,
    signals,
    counted,
    async pool(name = 'default'): Promise<Pool> {
      const pool = await store.findPool(name)
      if (pool === null) throw new Error(`no pool ${name}`)
      return pool
    },
    async createPool(name: string, settings: Partial<PoolSettings> = {}): Promise<Pool> {
      await store.createPool(name, { ...SETTINGS, ...settings }, 'api', 'test')
      return this.pool(name)
    },
    /** Adds instances `prefix1.example.com` and so on; returns their ids. */
    async addInstances(count: number, poolName = 'default', labels = {}, prefix = 'ci'): Promise<string[]> {
      const pool = await this.pool(poolName)
      const ids: string[] = []
      for (let n = 1; n <= count; n++) {
        const domain = `${prefix}${n}.example.com`
        const sealedToken = cipher.seal(`token-${domain}`, tokenContext(domain))
        const id = await store.addInstance(pool, { domain, sealedToken, labels, note: '', source: 'api' }, 'test')
        if (id === null) throw new Error(`${domain} is taken`)
        ids.push(id)
      }
      return ids
    },
    /** Lets time pass for a reservation. */
    async age(reservationId: string, interval: string): Promise<void> {
      await db.run(sql`update pool_reservations set created_at = created_at - ${interval}::interval,
        granted_at = granted_at - ${interval}::interval, expires_at = expires_at - ${interval}::interval,
        wait_until = wait_until - ${interval}::interval, waiter_seen_at = waiter_seen_at - ${interval}::interval,
        heartbeat_at = heartbeat_at - ${interval}::interval where id = ${reservationId}`)
    },
    /** As if nothing had happened yet. */
    async reset(): Promise<void> {
      counted.length = 0
      await db.run(sql`truncate pools, jobs restart identity cascade`)
      await db.run(sql`insert into pools (name, timeout_ms, max_timeout_ms) values ('default', 2700000, 14400000)`)
    },
    async stop(): Promise<void> {
      await worker.stop(0)
      await signals.stop()
      await notifications.stop()
      await db.close()
      await database.drop()
    },
  }
}

export const SETTINGS: PoolSettings = {
  timeoutMs: 45 * 60_000,
  maxTimeoutMs: 4 * 3_600_000,
  cleaning: null,
  health: null,
  selection: 'lowest',
  quarantineAfter: 3,
  maxHeldPerRepository: null,
  maxWaitingPerRepository: null,
}

async function registerProcess(db: ReturnType<typeof openDatabase>): Promise<string> {
  const row = await db.first<{ id: string }>(sql`
    insert into processes (id, machine, pid) values (gen_random_uuid(), 'test', ${process.pid}) returning id`)
  return row?.id ?? ''
}
