/**
 * Brings the schema up to date at start. Any number of processes may start at once: an advisory lock lets one of them
 * work while the others wait. knex keeps a lock row of its own which a killed process would leave set for ever;
 * under the advisory lock nobody else can be migrating, so that row is freed before we begin.
 */
import pg from 'pg'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { Logger } from '../core/logger.ts'
import { clientConfig, type DatabaseAddress } from './database.ts'

/** Any constant of our own; it only has to differ from other users of advisory locks in the same database. */
const MIGRATION_LOCK = 7_305_521
/** A migration may take long on a large table; waiting processes must not give up before it. */
const MIGRATION_TIMEOUT_MS = 30 * 60_000

/** Applies what is missing and returns the names of the migrations that were applied. */
export async function migrate(address: DatabaseAddress, logger: Logger): Promise<readonly string[]> {
  const client = new pg.Client({ ...clientConfig(address), statement_timeout: MIGRATION_TIMEOUT_MS })
  await client.connect()
  try {
    if (await isCurrent(client)) return []
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    return await applyMissing(address, logger)
  } finally {
    await client.end()
  }
}

/** A quick look that spares the usual start the load of knex. */
async function isCurrent(client: pg.Client): Promise<boolean> {
  const exists = await client.query<{ found: string | null }>(`select to_regclass('knex_migrations')::text as found`)
  if (exists.rows[0]?.found == null) return false
  const applied = await client.query<{ name: string }>('select name from knex_migrations')
  const names = new Set(applied.rows.map((row) => row.name))
  return MIGRATIONS.every((migration) => names.has(migration.name))
}

async function applyMissing(address: DatabaseAddress, logger: Logger): Promise<readonly string[]> {
  const { default: knexFactory } = await import('knex')
  const limits = { statement_timeout: MIGRATION_TIMEOUT_MS }
  const connection = 'url' in address ? { connectionString: address.url, ...limits } : { ...address, ...limits }
  const knex = knexFactory.knex({ client: 'pg', connection, pool: { min: 0, max: 2 } })
  try {
    await freeLeftLock(knex)
    const [, applied]: [number, string[]] = await knex.migrate.latest({
      migrationSource: {
        getMigrations: () => Promise.resolve([...MIGRATIONS]),
        getMigrationName: (migration: (typeof MIGRATIONS)[number]) => migration.name,
        getMigration: (migration: (typeof MIGRATIONS)[number]) => Promise.resolve(migration),
      },
    })
    if (applied.length > 0) logger.info({ migrations: applied }, 'database schema brought up to date')
    return applied
  } finally {
    await knex.destroy()
  }
}

async function freeLeftLock(knex: import('knex').Knex): Promise<void> {
  if (!(await knex.schema.hasTable('knex_migrations_lock'))) return
  await knex('knex_migrations_lock').update({ is_locked: 0 })
}
