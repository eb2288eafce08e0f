/** The database of this process: the owner's server, or the one that Slipway brings along; its schema up to date. */
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { reveal } from '../core/secret.ts'
import type { Settings } from '../config/settings.ts'
import { openDatabase, type Database, type DatabaseAddress } from '../store/database.ts'
import { startEmbeddedPostgres } from '../store/embedded/embedded-postgres.ts'
import { migrate } from '../store/migrate.ts'

export interface OpenStore {
  readonly db: Database
  readonly address: DatabaseAddress
  close(): Promise<void>
}

export async function openStore(settings: Settings, logger: Logger): Promise<OpenStore> {
  const { address, close } = await openAddress(settings, logger)
  await migrate(address, logger).catch((error: unknown) => {
    if (settings.databaseUrl === null || error instanceof SlipwayError) throw error
    throw new SlipwayError('setting_invalid', 'DATABASE_URL names a server that cannot be used', {
      cause: error,
      field: 'DATABASE_URL',
      remedy: `PostgreSQL 14 or newer has to answer there: ${error instanceof Error ? error.message : String(error)}`,
    })
  })
  const db = openDatabase(address, logger)
  return {
    db,
    address,
    async close() {
      await db.close()
      await close()
    },
  }
}

/** Where the database is; the embedded one is started, or joined where it runs. */
export async function openAddress(
  settings: Settings,
  logger: Logger,
): Promise<{ readonly address: DatabaseAddress; close(): Promise<void> }> {
  const { databaseUrl, dataDir } = settings
  if (databaseUrl !== null) return { address: { url: reveal(databaseUrl) }, close: () => Promise.resolve() }
  const embedded = await startEmbeddedPostgres({ dataDir, logger })
  return { address: embedded.connection, close: () => embedded.stop() }
}
