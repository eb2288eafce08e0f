/** The database: is it there, is it new enough, does it fit this version and this key. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { MIGRATIONS } from '../../../migrations/index.ts'
import { failed, ok, skipped, warning, type DoctorCheck } from '../../cli/doctor-check.ts'
import { silentLogger } from '../../core/logger.ts'
import { reveal } from '../../core/secret.ts'
import type { Settings } from '../../config/settings.ts'
import { createAppCredentialStore } from '../../store/app-credentials.ts'
import { appliedMigrations } from '../../store/backup/tables.ts'
import { isUntouched } from '../../store/backup/load-tables.ts'
import { createCipher, ensureKeyFits, type Cipher } from '../../store/cipher.ts'
import { openDatabase, sql, type Database } from '../../store/database.ts'
import { loadEncryptionKey } from '../../store/encryption-key.ts'
import { createInstallationSettings } from '../../store/installation-settings.ts'
import { credentialsFromSettings } from '../github-credentials.ts'
import { openAddress } from '../open-store.ts'
import { NO_SETTINGS, type Findings } from './findings.ts'

const OLDEST_VERSION = 140_000
const NO_DATABASE = skipped('the database cannot be asked')
const MADE_AT_START = skipped('it is made at the first start')

interface Opened {
  readonly db: Database
  close(): Promise<void>
}

export function databaseChecks(found: Findings): { readonly checks: readonly DoctorCheck[]; close(): Promise<void> } {
  let opened: Opened | null = null
  let cipher: Cipher | null = null
  const unlessOpen = () => (found.settings !== null && isStillToCome(found.settings) ? MADE_AT_START : NO_DATABASE)
  const checks: readonly DoctorCheck[] = [
    {
      name: 'database',
      fix: 'Start PostgreSQL and correct DATABASE_URL, or unset it for the embedded one.',
      async look() {
        if (found.settings === null) return NO_SETTINGS
        if (isStillToCome(found.settings)) return MADE_AT_START
        opened = await open(found.settings)
        await opened.db.first(sql`select 1 as one`)
        return ok(found.settings.databaseUrl === null ? 'the embedded one answers' : 'DATABASE_URL answers')
      },
    },
    {
      name: 'database version',
      fix: 'Upgrade PostgreSQL to 14 or newer.',
      async look() {
        if (opened === null) return unlessOpen()
        const row = await opened.db.first<{ number: string; text: string }>(
          sql`select current_setting('server_version_num') as number, current_setting('server_version') as text`,
        )
        if (row === null) return NO_DATABASE
        return Number(row.number) >= OLDEST_VERSION
          ? ok(row.text)
          : failed(`${row.text} is too old`, 'Upgrade PostgreSQL to 14 or newer.')
      },
    },
    {
      name: 'database schema',
      fix: 'Start the server once: it brings the schema up to date.',
      async look() {
        if (opened === null) return unlessOpen()
        if (await isUntouched(opened.db)) return ok('empty; the first start fills it')
        const applied = await appliedMigrations(opened.db)
        const missing = MIGRATIONS.filter(({ name }) => !applied.includes(name))
        const unknown = applied.filter((name) => MIGRATIONS.every((migration) => migration.name !== name))
        if (unknown.length > 0)
          return failed(
            `it is from a newer Slipway: ${unknown.join(', ')}`,
            'Install the newer Slipway, or restore a backup of this version.',
          )
        if (missing.length > 0)
          return warning(
            `${missing.length} migrations are missing`,
            'Start the server: it applies them. Make a backup before.',
          )
        return ok(`up to date, ${applied.length} migrations`)
      },
    },
    {
      name: 'encryption key',
      fix: 'Set ENCRYPTION_KEY to the key that the database was encrypted with, or bring DATA_DIR/encryption.key back.',
      async look() {
        if (opened === null || found.settings === null) return unlessOpen()
        if (await isUntouched(opened.db)) return skipped('nothing is encrypted yet')
        cipher = createCipher(reveal(await loadEncryptionKey(found.settings.encryptionKey, found.settings.dataDir)))
        await ensureKeyFits(opened.db, cipher)
        return ok('it fits the database')
      },
    },
    {
      name: 'credentials of the App',
      fix: 'Set APP_ID, PRIVATE_KEY and WEBHOOK_SECRET, or create the App on the set-up page.',
      async look() {
        if (found.settings === null) return NO_SETTINGS
        found.credentials = credentialsFromSettings(found.settings)
        if (found.credentials !== null) return ok(`App ${found.credentials.appId}, from the environment`)
        if (opened !== null && cipher !== null) {
          found.credentials = await createAppCredentialStore(createInstallationSettings(opened.db), cipher).load()
        }
        if (found.credentials !== null) return ok(`App ${found.credentials.appId}, from the set-up page`)
        return warning('there are none yet', 'Start the server and open the set-up page, or run `slipway init`.')
      },
    },
  ]
  return {
    checks,
    async close() {
      await opened?.close()
    },
  }
}

/** The doctor makes no database. */
function isStillToCome({ databaseUrl, dataDir }: Settings): boolean {
  return databaseUrl === null && !existsSync(join(dataDir, 'postgres'))
}

async function open(settings: Settings): Promise<Opened> {
  const { address, close } = await openAddress(settings, silentLogger)
  const db = openDatabase(address, silentLogger, 2)
  return {
    db,
    async close() {
      await db.close()
      await close()
    },
  }
}
