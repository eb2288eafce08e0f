/**
 * Bytes that never change, over HTTP: whole, in part, or not at all because the client has them. The digest is the
 * strong ETag, so a resumed download can never mix two files (RFC 9110 on ranges and conditions, RFC 9530 on digests).
 */
import { Readable } from 'node:stream'
import type { Context } from 'hono'
import type { BlobStore, ByteRange } from '../core/blob-store.ts'
import { SlipwayError } from '../core/errors.ts'

export interface ServedFile {
  readonly sha256: string
  readonly size: number
  readonly fileName: string
  readonly contentType: string
  /** False: only the caller's own cache may keep it. */
  readonly isPublic: boolean
}

export interface ServeOptions {
  readonly blobs: BlobStore
  /** How many bytes are about to be sent. */
  readonly onServed?: (bytes: number) => void
  /** `attachment` by default. */
  readonly disposition?: 'attachment' | 'inline'
}

/** Seconds. What a digest names never changes. */
const FOR_EVER = 31_536_000
/** Bytes. Up to here a file is checked and sent from memory; a larger one is read twice. */
const HELD_IN_MEMORY = 4 * 1024 * 1024

/**
 * Answers GET and HEAD. Every byte is checked against the digest before the first one is sent: what a bad disk damaged
 * is refused with `internal`, never served, also not in part.
 */
export async function serveFile(context: Context, file: ServedFile, options: ServeOptions): Promise<Response> {
  const headers = fileHeaders(file, options)
  const request = context.req
  if (matchesTag(request.header('if-none-match'), file.sha256, true))
    return new Response(null, { status: 304, headers })
  if (request.header('if-match') !== undefined && !matchesTag(request.header('if-match'), file.sha256, false)) {
    return new Response(null, { status: 412, headers })
  }
  const selection = selectRange(request.method, request.header('range'), request.header('if-range'), file)
  if (selection === 'unsatisfiable') {
    return new Response(null, {
      status: 416,
      headers: { ...headers, 'content-range': `bytes */${file.size}`, 'content-length': '0' },
    })
  }
  const length = selection === null ? file.size : selection.end - selection.start + 1
  const sent = {
    ...headers,
    'content-length': String(length),
    ...(selection === null ? {} : { 'content-range': `bytes ${selection.start}-${selection.end}/${file.size}` }),
  }
  if (request.method === 'HEAD') return new Response(null, { status: 200, headers: sent })
  const body = await checkedBytes(options.blobs, file, selection)
  options.onServed?.(length)
  return new Response(body, { status: selection === null ? 200 : 206, headers: sent })
}

/** `sha256  name`, as `sha256sum -c` reads it. */
export function checksumLine(file: { readonly sha256: string; readonly fileName: string }): string {
  return `${file.sha256}  ${file.fileName.replaceAll(/[\r\n\\]/g, '_')}\n`
}

function fileHeaders(file: ServedFile, { disposition = 'attachment' }: ServeOptions): Record<string, string> {
  return {
    'content-type': file.contentType,
    'content-disposition': `${disposition}; ${fileNameParameters(file.fileName)}`,
    etag: `"${file.sha256}"`,
    'repr-digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
    'accept-ranges': 'bytes',
    'cache-control': file.isPublic
      ? `public, max-age=${FOR_EVER}, immutable`
      : `private, max-age=${FOR_EVER}, immutable`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
  }
}

/** A plain name as it is; any other one encoded beside a harmless stand-in (RFC 6266). */
function fileNameParameters(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9 ._+@()-]/g, '_')
  if (plain === name) return `filename="${plain}"`
  const encoded = encodeURIComponent(Buffer.from(name).toString()).replaceAll(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `filename="${plain}"; filename*=UTF-8''${encoded}`
}

/** Whether a list of entity tags names the digest. A weak tag only counts where bytes are not put together. */
function matchesTag(header: string | undefined, sha256: string, isWeakEnough: boolean): boolean {
  if (header === undefined) return false
  const tags = header.split(',').map((tag) => tag.trim())
  return tags.some((tag) => tag === '*' || tag === `"${sha256}"` || (isWeakEnough && tag === `W/"${sha256}"`))
}

/** Null: the whole file. Several ranges at once, and what is no range, are answered with the whole file as well. */
function selectRange(
  method: string,
  range: string | undefined,
  ifRange: string | undefined,
  file: ServedFile,
): ByteRange | 'unsatisfiable' | null {
  if (method !== 'GET' || range === undefined) return null
  if (ifRange !== undefined && ifRange.trim() !== `"${file.sha256}"`) return null
  const match = /^bytes=\s*(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))\s*$/.exec(range.trim())
  if (match === null) return null
  const [, from, to, last] = match
  if (last !== undefined) {
    const count = Math.min(Number(last), file.size)
    return count === 0 ? 'unsatisfiable' : { start: file.size - count, end: file.size - 1 }
  }
  const start = Number(from)
  const end = to === '' || to === undefined ? file.size - 1 : Math.min(Number(to), file.size - 1)
  if (to !== '' && Number(to) < start) return null
  return start >= file.size ? 'unsatisfiable' : { start, end }
}

async function checkedBytes(
  blobs: BlobStore,
  file: ServedFile,
  range: ByteRange | null,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream> {
  const kept: Buffer[] = []
  for await (const chunk of await open(blobs, file, null)) {
    if (file.size <= HELD_IN_MEMORY && Buffer.isBuffer(chunk)) kept.push(chunk)
  }
  if (file.size <= HELD_IN_MEMORY)
    return new Uint8Array(Buffer.concat(kept).subarray(range?.start ?? 0, (range?.end ?? file.size) + 1))
  return Readable.toWeb(await open(blobs, file, range)) as ReadableStream
}

async function open(blobs: BlobStore, file: ServedFile, range: ByteRange | null): Promise<Readable> {
  const blob = await blobs.get(file.sha256, range === null ? { verify: true } : { range })
  if (blob === null) throw new SlipwayError('internal', `the stored bytes of ${file.sha256} are missing`)
  if (blob.size === file.size) return blob.content
  blob.content.destroy()
  throw new SlipwayError(
    'internal',
    `the stored bytes of ${file.sha256} are damaged: ${blob.size} instead of ${file.size} bytes`,
  )
}
