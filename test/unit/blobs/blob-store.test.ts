import { createHash } from 'node:crypto'
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFolderBlobStore, sweepTemporaryBlobs } from '../../../src/blobs/folder-blob-store.ts'
import { parseS3Url } from '../../../src/blobs/s3-address.ts'
import { createS3BlobStore } from '../../../src/blobs/s3-blob-store.ts'
import type { BlobStore } from '../../../src/core/blob-store.ts'
import { startS3Server, type S3Server } from '../../support/s3-server.ts'

let folder = ''
let s3: S3Server
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-blobs-'))
  s3 = await startS3Server()
})
afterAll(async () => {
  await s3.close()
  await rm(folder, { recursive: true })
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const read = async (store: BlobStore, sha: string, options = {}): Promise<string | null> => {
  const found = await store.get(sha, options)
  return found === null ? null : (await buffer(found.content)).toString()
}

const stores: readonly (readonly [string, () => BlobStore])[] = [
  ['a folder', () => createFolderBlobStore(join(folder, 'fs'))],
  ['an S3 bucket', () => createS3BlobStore(parseS3Url(s3.url), join(folder, 'spool'))],
]

describe.each(stores)('blobs in %s', (_name, open) => {
  it('come back under their sha256', async () => {
    const store = open()
    const blob = await store.put(Readable.from([Buffer.from('hello '), Buffer.from('world')]))
    expect(blob).toEqual({ sha256: sha256('hello world'), size: 11 })
    expect(await read(store, blob.sha256)).toBe('hello world')
    expect(await read(store, blob.sha256, { verify: true })).toBe('hello world')
    expect(await store.exists(blob.sha256)).toBe(11)
  })

  it('may be kept twice, and empty', async () => {
    const store = open()
    const first = await store.put(Readable.from(['']))
    const second = await store.put(Readable.from([Buffer.alloc(0)]))
    expect(second).toEqual(first)
    expect(await read(store, first.sha256)).toBe('')
  })

  it('are read in part', async () => {
    const store = open()
    const { sha256: sha } = await store.put(Readable.from(['0123456789']))
    const part = await store.get(sha, { range: { start: 2, end: 4 } })
    expect(part?.size).toBe(10)
    expect(part && (await buffer(part.content)).toString()).toBe('234')
  })

  it('are gone after they were deleted, and unknown names are nobody', async () => {
    const store = open()
    const { sha256: sha } = await store.put(Readable.from(['short-lived']))
    expect(await store.delete(sha)).toBe(true)
    expect(await store.delete(sha)).toBe(false)
    expect(await store.get(sha)).toBeNull()
    expect(await store.exists('../../etc/passwd')).toBeNull()
    expect(await store.get('../../etc/passwd')).toBeNull()
    expect(await store.delete('..')).toBe(false)
  })

  it('leave nothing behind when the stream breaks, is too long or is not what it should be', async () => {
    const store = open()
    const broken = new Readable({
      read() {
        this.push('part')
        this.destroy(new Error('the line went dead'))
      },
    })
    await expect(store.put(broken)).rejects.toThrow('the line went dead')
    await expect(store.put(Readable.from(['too long']), { maxBytes: 4 })).rejects.toMatchObject({
      code: 'request_invalid',
    })
    await expect(store.put(Readable.from(['x']), { expectSha256: sha256('y') })).rejects.toMatchObject({
      code: 'request_invalid',
    })
    expect(await store.exists(sha256('part'))).toBeNull()
    expect(await store.exists(sha256('x'))).toBeNull()
    const leftOver = await Promise.all(
      [join(folder, 'fs', 'incoming'), join(folder, 'spool')].map((path) => readdir(path).catch(() => [])),
    )
    expect(leftOver.flat()).toEqual([])
  })
})

describe('blobs in a folder', () => {
  it('that were damaged on the disk fail a reader who asks for verification', async () => {
    const store = createFolderBlobStore(join(folder, 'damaged'))
    const { sha256: sha } = await store.put(Readable.from(['good bytes']))
    await appendFile(join(folder, 'damaged', sha.slice(0, 2), sha), '!')
    await expect(read(store, sha, { verify: true })).rejects.toThrow(/hash to/)
  })

  it('lose what uploads left behind a day ago', async () => {
    const store = createFolderBlobStore(join(folder, 'swept'))
    await store.put(Readable.from(['a']))
    await appendFile(join(folder, 'swept', 'incoming', 'left-over'), 'half')
    expect(await sweepTemporaryBlobs(join(folder, 'swept'), Date.now())).toBe(0)
    expect(await sweepTemporaryBlobs(join(folder, 'swept'), Date.now() + 25 * 3_600_000)).toBe(1)
  })
})

describe('S3_URL', () => {
  it('names endpoint, bucket, prefix and credentials', () => {
    expect(parseS3Url('s3://k:s%2F1@s3.example.com/b/p/q?region=eu-1')).toEqual({
      endpoint: 'https://s3.example.com',
      region: 'eu-1',
      bucket: 'b',
      prefix: 'p/q/',
      accessKeyId: 'k',
      secretAccessKey: 's/1',
    })
  })

  it.each(['', 'ftp://k:s@h/b', 'https://h/b', 'https://k:topsecret@h'])(
    'is refused without showing the secret: %s',
    (text) => {
      expect(() => parseS3Url(text)).toThrow(/^S3_URL (?!.*topsecret)/)
    },
  )
})
