import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { SlipwayError } from '../core/errors.ts'
import type { PutBlobOptions } from '../core/blob-store.ts'

const SHA256 = /^[0-9a-f]{64}$/

/** A digest from outside must never become part of a path unless it is one. */
export function isSha256(text: string): boolean {
  return SHA256.test(text)
}

export interface DigestingStream {
  readonly stream: Transform
  /** Known once the stream has ended. */
  digest(): { readonly sha256: string; readonly size: number }
}

/** Passes bytes on while it hashes and counts them; breaks off when they are more than allowed. */
export function digestingStream(options: PutBlobOptions = {}): DigestingStream {
  const hash = createHash('sha256')
  const limit = options.maxBytes ?? Number.POSITIVE_INFINITY
  let size = 0
  let sha256 = ''
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > limit) {
        done(new SlipwayError('request_invalid', `the content is larger than the ${limit} bytes that are allowed`))
        return
      }
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      sha256 = hash.digest('hex')
      const expected = options.expectSha256
      const isOther = expected !== undefined && expected !== sha256
      done(isOther ? new SlipwayError('request_invalid', `the content has sha256 ${sha256}, not ${expected}`) : null)
    },
  })
  return { stream, digest: () => ({ sha256, size }) }
}

/** Lets a reader's stream fail at its end when the bytes are not what their name says: a disk or a bucket went bad. */
export function verifyingStream(sha256: string): Transform {
  const hash = createHash('sha256')
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      const actual = hash.digest('hex')
      done(actual === sha256 ? null : new SlipwayError('internal', `stored bytes named ${sha256} hash to ${actual}`))
    },
  })
}
