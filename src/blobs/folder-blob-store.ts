/**
 * Blobs as files below one folder. A blob is written to a temporary name, flushed to the disk and then renamed, so a
 * file under its digest is always whole, whatever was killed when. Left-over temporary files are swept.
 */
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { BlobStore, PutBlobOptions, StoredBlob } from '../core/blob-store.ts'
import { SlipwayError } from '../core/errors.ts'
import { digestingStream, isSha256, verifyingStream } from './blob-digest.ts'

const TEMPORARY_FOLDER = 'incoming'
/** No upload takes longer; an older temporary file belongs to a process that is gone. */
const TEMPORARY_MAX_AGE_MS = 24 * 3_600_000

export function createFolderBlobStore(folder: string): BlobStore {
  const pathOf = (sha256: string): string => join(folder, sha256.slice(0, 2), sha256)
  const sizeOf = async (sha256: string): Promise<number | null> => {
    if (!isSha256(sha256)) return null
    const found = await stat(pathOf(sha256)).catch(nullWhenMissing)
    return found?.size ?? null
  }

  return {
    async put(content, options = {}) {
      const { path, blob } = await spool(content, join(folder, TEMPORARY_FOLDER), options)
      const target = pathOf(blob.sha256)
      await mkdir(dirname(target), { recursive: true })
      // Renaming over the same bytes is harmless, and heals a file that was damaged.
      await rename(path, target)
      await flushFolder(dirname(target))
      return blob
    },
    async get(sha256, { range, verify = false } = {}) {
      const size = await sizeOf(sha256)
      if (size === null) return null
      const content = createReadStream(
        pathOf(sha256),
        range === undefined ? {} : { start: range.start, end: range.end },
      )
      if (!verify || range !== undefined) return { content, size }
      const verified = verifyingStream(sha256)
      pipeline(content, verified).catch(() => undefined)
      return { content: verified, size }
    },
    exists: sizeOf,
    async delete(sha256) {
      if (!isSha256(sha256)) return false
      return (await unlink(pathOf(sha256)).then(() => true, nullWhenMissing)) === true
    },
  }
}

/** Writes a stream to a flushed temporary file below `folder`; the caller renames or removes it. */
export async function spool(
  content: Readable,
  folder: string,
  options: PutBlobOptions,
): Promise<{ readonly path: string; readonly blob: StoredBlob }> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, randomUUID())
  const digesting = digestingStream(options)
  try {
    await pipeline(content, digesting.stream, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }))
  } catch (error) {
    await unlink(path).catch(nullWhenMissing)
    throw asNoSpace(error)
  }
  return { path, blob: digesting.digest() }
}

/** Removes what uploads of ended processes left behind. Returns how many files. */
export async function sweepTemporaryBlobs(folder: string, now: number): Promise<number> {
  const names = (await readdir(join(folder, TEMPORARY_FOLDER)).catch(nullWhenMissing)) ?? []
  let removed = 0
  for (const name of names) {
    const path = join(folder, TEMPORARY_FOLDER, name)
    const found = await stat(path).catch(nullWhenMissing)
    if (found === null || now - found.mtimeMs < TEMPORARY_MAX_AGE_MS) continue
    await unlink(path).catch(nullWhenMissing)
    removed += 1
  }
  return removed
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function asNoSpace(error: unknown): unknown {
  const isFull = hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT')
  return isFull ? new SlipwayError('no_space', 'the disk of the blob store is full', { cause: error }) : error
}

function nullWhenMissing(error: unknown): null {
  if (hasCode(error, 'ENOENT')) return null
  throw error
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
