/** Brings a backup back into an empty database, all of it or nothing; files of DATA_DIR as they come by. */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Extract } from 'tar-stream'
import { z } from 'zod'
import type { Settings } from '../config/settings.ts'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import { silentLogger } from '../core/logger.ts'
import { isUntouched, loadTables, type LoadedRows } from '../store/backup/load-tables.ts'
import { openDatabase } from '../store/database.ts'
import { backupManifest, DATA_FOLDERS, MANIFEST, type BackupManifest } from './backup-format.ts'
import { openAddress, openStore } from './open-store.ts'

/** tar-stream has no name for it. */
type Entry = Extract extends AsyncIterable<infer Item> ? Item : never

const OWNER_ONLY = 0o600
const rowsOfPiece = z.array(z.string())

export interface Restored {
  readonly manifest: BackupManifest
  readonly rows: number
}

export async function restoreBackup(
  settings: Settings,
  file: string,
  onPart: (part: string) => void,
): Promise<Restored> {
  await requireUntouched(settings)
  const store = await openStore(settings, silentLogger)
  try {
    const entries = readEntries(file)
    const manifest = await readManifest(await entries.next(), file)
    const rows = await loadTables(store.db, manifest.migrations, piecesOf(entries, settings.dataDir, onPart))
    return { manifest, rows }
  } finally {
    await store.close()
  }
}

/** Before the migrations, which leave marks of their own. */
async function requireUntouched(settings: Settings): Promise<void> {
  const { address, close } = await openAddress(settings, silentLogger)
  const db = openDatabase(address, silentLogger, 1)
  try {
    if (await isUntouched(db)) return
    throw new SlipwayError('conflict', 'the database has been used by a Slipway already', {
      remedy: 'Restore into an empty database: name another DATABASE_URL or DATA_DIR.',
    })
  } finally {
    await db.close()
    await close()
  }
}

async function* readEntries(file: string): AsyncGenerator<Entry> {
  const archive = extract()
  const reading = pipeline(createReadStream(file), createGunzip(), archive)
  // It may fail while nobody waits for it; whoever does is told then.
  reading.catch(() => undefined)
  try {
    for await (const entry of archive) yield entry
    await reading
  } catch (error) {
    throw new SlipwayError('request_invalid', `${file} is not a whole backup: ${errorMessage(error)}`, { cause: error })
  }
}

async function readManifest(first: IteratorResult<Entry, unknown>, file: string): Promise<BackupManifest> {
  const isOurs = first.done !== true && first.value.header.name === MANIFEST
  const parsed = backupManifest.safeParse(isOurs ? JSON.parse(await text(first.value)) : null)
  if (parsed.success) return parsed.data
  throw new SlipwayError('request_invalid', `${file} is not a backup of Slipway`)
}

async function* piecesOf(
  entries: AsyncIterable<Entry>,
  dataDir: string,
  onPart: (part: string) => void,
): AsyncGenerator<LoadedRows> {
  let current = ''
  for await (const entry of entries) {
    const { name } = entry.header
    const [kind = '', part = ''] = name.split('/')
    if (`${kind}/${part}` !== current) onPart(kind === 'tables' ? `table ${part}` : `${kind} ${part}`)
    current = `${kind}/${part}`
    if (kind === 'tables') yield { table: part, rows: rowsOfPiece.parse(JSON.parse(await text(entry))) }
    else if (name === 'encryption.key') await keepKey(await text(entry), join(dataDir, name))
    else await keepFile(entry, name, dataDir)
  }
}

async function keepKey(key: string, path: string): Promise<void> {
  const known = await readFile(path, 'utf8').catch(() => null)
  if (known !== null && known.trim() !== key.trim()) {
    throw new SlipwayError('conflict', `${path} holds another key than the backup`, {
      remedy: 'Move it away, then restore again.',
    })
  }
  if (known === null) await writeFile(path, `${key.trim()}\n`, { mode: OWNER_ONLY })
}

async function keepFile(entry: Entry, name: string, dataDir: string): Promise<void> {
  const [, folder] = name.split('/')
  const isKnown = DATA_FOLDERS.some((known) => known === folder)
  if (!isKnown || name.split('/').includes('..'))
    throw new SlipwayError('request_invalid', `the backup has a file ${name} that has no place here`)
  const path = join(dataDir, name.slice('data/'.length))
  await mkdir(dirname(path), { recursive: true })
  await pipeline(entry, createWriteStream(path))
}
