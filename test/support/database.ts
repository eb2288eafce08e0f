/**
 * A fresh, migrated database for one test. The server is shared by the whole run: the first test that asks starts the
 * embedded PostgreSQL, later ones join it, or `DATABASE_URL` names one that is there. The migrations run once, into a
 * template; each test gets a copy of it, which takes a fraction of the time.
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { startEmbeddedPostgres } from '../../src/store/embedded/embedded-postgres.ts'
import { migrate } from '../../src/store/migrate.ts'

/** Any number of our own: one process makes the template while the others wait. */
const TEMPLATE_LOCK = 8_271_113

export interface TestDatabase {
  /** For `DATABASE_URL`, `openDatabase({ url })` and `pg`. */
  readonly url: string
  /** Removes the database, cutting off whoever is still connected. */
  drop(): Promise<void>
}

let server: Promise<SharedServer> | undefined

interface SharedServer {
  readonly url: string
  readonly template: string
}

/** With `migrated: false` the database is empty. */
export async function createTestDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const { url, template } = await (server ??= shareServer())
  const name = `test_${randomBytes(8).toString('hex')}`
  await run(url, `create database ${name}${migrated ? ` template ${template}` : ''}`)
  return {
    url: withDatabase(url, name),
    drop: () => run(url, `drop database if exists ${name} with (force)`),
  }
}

async function shareServer(): Promise<SharedServer> {
  const directory = inject('databaseDirectory')
  const given = process.env['DATABASE_URL']
  const url = given ?? (await startEmbeddedPostgres({ dataDir: directory, logger: silentLogger })).url
  // Named after the run: a server that outlives it may hold templates of older migrations.
  const template = `template_${Buffer.from(directory).toString('hex').slice(-24)}`
  await makeTemplate(url, template)
  return { url, template }
}

async function makeTemplate(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
    const found = await client.query('select 1 from pg_database where datname = $1', [name])
    if (found.rowCount !== 0) return
    // Under another name first: a template that exists is complete.
    const draft = `${name}_draft`
    await client.query(`drop database if exists ${draft} with (force)`)
    await client.query(`create database ${draft}`)
    await migrate({ url: withDatabase(url, draft) }, silentLogger)
    await client.query(`alter database ${draft} rename to ${name}`)
  } finally {
    await client.end()
  }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
