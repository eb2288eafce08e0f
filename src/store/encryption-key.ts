/** The key of secrets at rest: from the environment, else made once and kept in the data directory. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { reveal, secretOf, type Secret } from '../core/secret.ts'

const KEY_BYTES = 32
const OWNER_ONLY = 0o600

export async function loadEncryptionKey(fromEnvironment: Secret | null, dataDir: string): Promise<Secret> {
  if (fromEnvironment !== null) return secretOf(reveal(fromEnvironment).trim())
  const path = join(dataDir, 'encryption.key')
  const existing = await read(path)
  if (existing !== null) return existing
  await mkdir(dataDir, { recursive: true })
  await create(path)
  const made = await read(path)
  if (made === null) throw new Error(`${path} cannot be read after it was written`)
  return made
}

/** Written aside and linked into place: of two processes that start at once, one wins and neither sees half a key. */
async function create(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: OWNER_ONLY, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    await rm(draft)
  }
}

async function read(path: string): Promise<Secret | null> {
  try {
    return secretOf((await readFile(path, 'utf8')).trim())
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
