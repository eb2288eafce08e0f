/** The database goes away while images are built: nobody loses anything, nobody is told anything wrong, nothing restarts. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/store/embedded/embedded-postgres.ts'
import { openDatabaseLine, type DatabaseLine } from '../support/database-line.ts'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const REPOSITORY = 'acme/outage'
const PATIENCE_MS = 90_000
/** Longer than a lease, shorter than the limit of a query. */
const HANG_MS = 14_000

let folder: string
let postgres: EmbeddedPostgres
let line: DatabaseLine
let slipway: SlipwayUnderTest
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-outage-'))
  postgres = await startEmbeddedPostgres({ dataDir: folder, logger: silentLogger })
  line = await openDatabaseLine(postgres.url)
  slipway = await startSlipway({ env: { DATABASE_URL: line.url } })
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'outage',
    files: { '.github/slipway.yml': 'version: 1\nimages:\n  web: {}\n', Dockerfile: 'FROM busybox\nRUN true\n' },
  })
})
afterAll(async () => {
  await slipway.close()
  await line.proxy.stop()
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
})

/** A push whose image takes a few seconds, seen until it is being built. */
async function building(branch: string): Promise<string> {
  const dockerfile = `FROM busybox\nRUN echo ${randomUUID()} && sleep 4\n`
  const sha = await slipway.github.commit(REPOSITORY, { branch, files: { Dockerfile: dockerfile } })
  await slipway.github.waitFor(
    async () => (await slipway.github.checkRuns(REPOSITORY, sha)).find((run) => run.status === 'in_progress'),
    { what: 'a check in progress', timeout: PATIENCE_MS },
  )
  return sha
}

async function endsWell(sha: string): Promise<void> {
  const check = await slipway.github.completedCheck(REPOSITORY, sha, 'deployability', PATIENCE_MS)
  expect(check).toMatchObject({ conclusion: 'success', completed_at: expect.any(String) })
  expect(await slipway.github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
}

async function killPostgres(): Promise<void> {
  const pid = Number.parseInt(await readFile(join(folder, 'postgres', 'cluster', 'postmaster.pid'), 'utf8'), 10)
  process.kill(pid, 'SIGKILL')
}

describe('a run goes on to its true end', () => {
  it('when all connections are ended', async () => {
    const sha = await building('terminated')
    const admin = new pg.Client({ connectionString: postgres.url })
    await admin.connect()
    for (let round = 0; round < 5; round++) {
      await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'slipway' and pid <> pg_backend_pid()`)
      await delay(300)
    }
    await admin.end()
    await endsWell(sha)
  })

  it('when PostgreSQL is killed and comes back', async () => {
    const sha = await building('killed')
    await killPostgres()
    await endsWell(sha)
  })

  it('when PostgreSQL hangs for longer than a lease', async () => {
    const sha = await building('hung')
    line.proxy.stall()
    await delay(HANG_MS)
    line.proxy.heal()
    await endsWell(sha)
  })

  it('when pushes arrive while the line breaks again and again', async () => {
    const pushes = Array.from({ length: 6 }, async (_, n) => {
      await delay(n * 300)
      return await slipway.github.commit(REPOSITORY, { branch: `load-${n}`, files: { 'load.txt': randomUUID() } })
    })
    for (let round = 0; round < 8; round++) {
      line.proxy.cut()
      await delay(250)
    }
    const shas = await Promise.all(pushes)
    await slipway.github.delivered()
    // What GitHub could not deliver it lists as failed; a restart asks for it at once.
    await slipway.process().stop()
    await slipway.start()
    for (const sha of shas) await endsWell(sha)
  })
})

describe('afterwards', () => {
  it('one process has seen it all, and no job is left', async () => {
    expect(slipway.process().output()).not.toMatch(/unhandled|uncaught/i)
    const db = new pg.Client({ connectionString: postgres.url })
    await db.connect()
    const left = await db.query(`select kind, state, last_error from jobs where kind like 'run.%' or state = 'parked'`)
    const unfinished = await db.query(`select id from runs where state <> 'completed'`)
    await db.end()
    expect(left.rows).toEqual([])
    expect(unfinished.rows).toEqual([])
    expect((await slipway.github.report()).problems).toEqual([])
  })
})
