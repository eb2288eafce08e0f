/**
 * Bytes that never change, named by their sha256: artifacts, caches, sealed logs. A digest that `put` returned means
 * that exactly those bytes are kept durably (invariant I9); the same bytes twice are kept once.
 */
import type { Readable } from 'node:stream'

export interface StoredBlob {
  /** Lower-case hexadecimal. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
}

/** Both ends inclusive, as in HTTP; must lie inside the blob. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface ReadBlobOptions {
  readonly range?: ByteRange
  /** Hash on the way and let the stream fail with `internal` when the bytes are not those of the name. Whole blobs only. */
  readonly verify?: boolean
}

export interface PutBlobOptions {
  /** The stream fails with `request_invalid` when it is longer. */
  readonly maxBytes?: number
  /** The stream fails with `request_invalid` when its digest is another one. */
  readonly expectSha256?: string
}

export interface BlobStore {
  /** Reads the stream to its end. Nothing is visible before all of it is kept. Throws `no_space` when the disk is full. */
  put(content: Readable, options?: PutBlobOptions): Promise<StoredBlob>
  /** Null when there is no such blob. The caller must read or destroy the stream. */
  get(sha256: string, options?: ReadBlobOptions): Promise<{ readonly content: Readable; readonly size: number } | null>
  /** The size in bytes, null when there is no such blob. */
  exists(sha256: string): Promise<number | null>
  /** True when there was one. The caller knows that no row names it any more. */
  delete(sha256: string): Promise<boolean>
}
