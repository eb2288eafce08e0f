/** Stored bytes over HTTP: strong ETag, Range, If-Range, If-None-Match and HEAD, as RFC 9110 has them. */
import { Readable } from 'node:stream'
import type { BlobStore, ByteRange } from '../core/blob-store.ts'
import { SlipwayError } from '../core/errors.ts'

export interface BlobAnswer {
  readonly sha256: string
  readonly size: number
  /** For `Content-Disposition`. */
  readonly fileName: string
  readonly contentType: string
}

/** Throws `not_found` when the bytes are gone. */
export async function sendBlob(blobs: BlobStore, request: Request, answer: BlobAnswer): Promise<Response> {
  const etag = `"${answer.sha256}"`
  const headers = {
    etag,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    'content-disposition': disposition(answer.fileName),
    // What a run made is never shown as a page of ours.
    'content-type': answer.contentType,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'repr-digest': `sha-256=:${Buffer.from(answer.sha256, 'hex').toString('base64')}:`,
  }
  if (matches(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
  const isStale = request.headers.has('if-range') && request.headers.get('if-range') !== etag
  const range = isStale ? 'whole' : parseRange(request.headers.get('range'), answer.size)
  if (range === 'outside') {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${answer.size}` } })
  }
  const length = range === 'whole' ? answer.size : range.end - range.start + 1
  const status = range === 'whole' ? 200 : 206
  const partial = range === 'whole' ? {} : { 'content-range': `bytes ${range.start}-${range.end}/${answer.size}` }
  const all = { ...headers, ...partial, 'content-length': String(length) }
  if (request.method === 'HEAD') return new Response(null, { status, headers: all })
  const found = await blobs.get(answer.sha256, range === 'whole' ? {} : { range })
  if (found === null) throw new SlipwayError('not_found', 'the bytes of this artifact are gone')
  return new Response(toWeb(found.content), { status, headers: all })
}

/** A single range; several at once are answered with the whole, which is always right. */
export function parseRange(header: string | null, size: number): ByteRange | 'whole' | 'outside' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return 'whole'
  const [first, last] = [match[1] ?? '', match[2] ?? '']
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'outside' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return 'whole'
  return start >= size ? 'outside' : { start, end }
}

export function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>
}

function matches(header: string | null, etag: string): boolean {
  return (
    header !== null && header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*')
  )
}

/** ASCII for old clients, and the real name. */
function disposition(fileName: string): string {
  const plain = fileName.replaceAll(/[^\w.-]/g, '_')
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(fileName).replaceAll(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)}`
}
