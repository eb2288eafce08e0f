/**
 * A backup is one `.tar.gz`: `slipway-backup.json` says what is in it, `tables/NAME/N.json` holds rows of one snapshot, and
 * on request `data/` holds the files of DATA_DIR that rows point to, and `encryption.key` the key of what is secret in them.
 */
import { createWriteStream } from 'node:fs'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack, type Pack } from 'tar-stream'
import type { Settings } from '../config/settings.ts'
import { silentLogger } from '../core/logger.ts'
import { reveal } from '../core/secret.ts'
import { VERSION } from '../core/version.ts'
import { dumpTables } from '../store/backup/dump-tables.ts'
import { loadEncryptionKey } from '../store/encryption-key.ts'
import { BACKUP_FORMAT, DATA_FOLDERS, MANIFEST, type BackupManifest } from './backup-format.ts'
import { openStore } from './open-store.ts'

export interface BackupOptions {
  readonly withFiles: boolean
  readonly withKey: boolean
  /** Told when the next part begins. */
  readonly onPart: (part: string) => void
}

export interface BackupMade {
  readonly tables: number
  readonly rows: number
  readonly files: number
}

/** Writes the backup to `file`, which appears only when it is whole. */
export async function makeBackup(settings: Settings, file: string, options: BackupOptions): Promise<BackupMade> {
  const store = await openStore(settings, silentLogger)
  const draft = `${file}.partial`
  const archive = pack()
  // The rows are secret: a backup is for its owner alone.
  const written = pipeline(archive, createGzip(), createWriteStream(draft, { mode: 0o600 }))
  try {
    const filling = fill(archive, settings, store.db, options)
    // Whichever fails first ends the other.
    const [made] = await Promise.all([
      filling.catch((error: unknown) => {
        archive.destroy(asError(error))
        throw error
      }),
      written,
    ])
    await rename(draft, file)
    return made
  } finally {
    await rm(draft, { force: true })
    await store.close()
  }
}

async function fill(
  archive: Pack,
  settings: Settings,
  db: Parameters<typeof dumpTables>[0],
  options: BackupOptions,
): Promise<BackupMade> {
  const counted = { tables: 0, rows: 0, files: 0 }
  let piece = 0
  let current = ''
  await dumpTables(db, {
    async begin({ migrations, tables }) {
      counted.tables = tables.length
      const manifest: BackupManifest = {
        format: BACKUP_FORMAT,
        version: VERSION,
        made_at: new Date().toISOString(),
        migrations: [...migrations],
        tables: [...tables],
        files: options.withFiles,
        key: options.withKey,
      }
      await add(archive, MANIFEST, JSON.stringify(manifest, null, 2))
    },
    async take({ table, rows }) {
      if (table !== current) options.onPart(`table ${table}`)
      piece = table === current ? piece + 1 : 0
      current = table
      counted.rows += rows.length
      await add(archive, `tables/${table}/${piece}.json`, JSON.stringify(rows))
    },
  })
  if (options.withFiles) counted.files = await addFiles(archive, settings.dataDir, options)
  if (options.withKey) {
    await add(archive, 'encryption.key', reveal(await loadEncryptionKey(settings.encryptionKey, settings.dataDir)))
  }
  archive.finalize()
  return counted
}

async function addFiles(archive: Pack, dataDir: string, { onPart }: BackupOptions): Promise<number> {
  let count = 0
  for (const folder of DATA_FOLDERS) {
    onPart(`files of ${folder}`)
    const found = await readdir(join(dataDir, folder), { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of found) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      if (await addFile(archive, `data/${relative(dataDir, path)}`, path)) count += 1
    }
  }
  return count
}

/** As long as it is now: a log that still grows goes on after the backup. False when it has gone meanwhile. */
async function addFile(archive: Pack, name: string, path: string): Promise<boolean> {
  const handle = await open(path).catch(() => null)
  if (handle === null) return false
  const { size } = await handle.stat()
  if (size === 0) {
    await handle.close()
    await add(archive, name, '')
    return true
  }
  await pipeline(handle.createReadStream({ end: size - 1 }), archive.entry({ name, size }))
  return true
}

function add(archive: Pack, name: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry({ name }, text, (error) => (error ? reject(error) : resolve()))
  })
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
