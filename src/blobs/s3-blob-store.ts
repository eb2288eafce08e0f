/**
 * Blobs as objects of one S3 bucket. The name of an object is its digest, which is known only at the end of the
 * stream, so the bytes are spooled to a local file first; an object therefore appears whole or not at all.
 *
 * The SDK is loaded on first use: it is large, and most installations keep their blobs in a folder.
 */
import { createReadStream } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import type { BlobStore } from '../core/blob-store.ts'
import { SlipwayError, errorMessage } from '../core/errors.ts'
import { isSha256, verifyingStream } from './blob-digest.ts'
import { spool } from './folder-blob-store.ts'
import type { S3Address } from './s3-address.ts'

type Sdk = typeof import('@aws-sdk/client-s3')

/** @param spoolFolder where uploads wait for their digest; needs room for the largest one */
export function createS3BlobStore(address: S3Address, spoolFolder: string): BlobStore {
  let opening: Promise<{ readonly sdk: Sdk; readonly client: S3Client }> | undefined
  const open = () => (opening ??= connect(address))
  const objectOf = (sha256: string) => ({
    Bucket: address.bucket,
    Key: `${address.prefix}blobs/${sha256.slice(0, 2)}/${sha256}`,
  })

  async function sizeOf(sha256: string): Promise<number | null> {
    if (!isSha256(sha256)) return null
    const { sdk, client } = await open()
    const head = await client.send(new sdk.HeadObjectCommand(objectOf(sha256))).catch(nullWhenMissing)
    return head?.ContentLength ?? null
  }

  return {
    async put(content, options = {}) {
      const { path, blob } = await spool(content, spoolFolder, options)
      try {
        const { sdk, client } = await open()
        const Body = createReadStream(path)
        await client
          .send(new sdk.PutObjectCommand({ ...objectOf(blob.sha256), Body, ContentLength: blob.size }))
          .catch(asUnavailable)
        return blob
      } finally {
        await unlink(path)
      }
    },
    async get(sha256, { range, verify = false } = {}) {
      if (!isSha256(sha256)) return null
      const { sdk, client } = await open()
      const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }
      const answer = await client
        .send(new sdk.GetObjectCommand({ ...objectOf(sha256), ...Range }))
        .catch(nullWhenMissing)
      if (answer === null || !(answer.Body instanceof Readable)) return null
      const size = range === undefined ? (answer.ContentLength ?? 0) : totalOf(answer.ContentRange)
      if (!verify || range !== undefined) return { content: answer.Body, size }
      const verified = verifyingStream(sha256)
      pipeline(answer.Body, verified).catch(() => undefined)
      return { content: verified, size }
    },
    exists: sizeOf,
    async delete(sha256) {
      // S3 answers the same whether there was one or not.
      if ((await sizeOf(sha256)) === null) return false
      const { sdk, client } = await open()
      await client.send(new sdk.DeleteObjectCommand(objectOf(sha256))).catch(asUnavailable)
      return true
    },
  }
}

async function connect(address: S3Address): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    endpoint: address.endpoint,
    region: address.region,
    // Names of buckets as part of the host need DNS that stores of one's own rarely have.
    forcePathStyle: true,
    credentials: { accessKeyId: address.accessKeyId, secretAccessKey: address.secretAccessKey },
    // The newer default adds checksums as trailers, which many compatible stores refuse.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return { sdk, client }
}

/** `bytes 0-9/1234`: the size of the whole object. */
function totalOf(contentRange: string | undefined): number {
  return Number(contentRange?.split('/')[1] ?? 0)
}

function nullWhenMissing(error: unknown): null {
  if (error instanceof Error && (error.name === 'NotFound' || error.name === 'NoSuchKey')) return null
  return asUnavailable(error)
}

function asUnavailable(error: unknown): never {
  throw new SlipwayError('host_unreachable', `the S3 store does not do its work: ${errorMessage(error)}`, {
    cause: error,
  })
}
