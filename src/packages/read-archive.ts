/**
 * What is inside an artifact. Tars (plain or gzipped) are recognised by their bytes, whatever their name: members that
 * could write outside the folder they are unpacked in are refused, and the digests of the others tell whether two
 * builds made the same contents.
 */
import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'

/** Bytes. A small gzip may unpack to any size; more than this is not looked through. */
const MOST_UNPACKED = 16 * 1024 ** 3
const MOST_MEMBERS = 500_000
/** Bytes of the first tar header up to the end of its magic. */
const HEAD_BYTES = 512

export type ArchiveContents =
  /** Members by path, each as mode and digest. */
  | { readonly kind: 'archive'; readonly members: ReadonlyMap<string, string> }
  | { readonly kind: 'plain' }
  | { readonly kind: 'refused'; readonly message: string }

/** Calls `open` for each look at the bytes; the streams are always ended. */
export async function readArchive(open: () => Promise<Readable>): Promise<ArchiveContents> {
  const isGzip = startsLikeGzip(await readHead(await open(), false))
  const head = isGzip ? await readHead(await open(), true) : await readHead(await open(), false)
  if (head.subarray(257, 262).toString('latin1') !== 'ustar') return { kind: 'plain' }
  return readMembers(await open(), isGzip)
}

async function readMembers(content: Readable, isGzip: boolean): Promise<ArchiveContents> {
  const members = new Map<string, string>()
  let refused: string | null = null
  let unpacked = 0
  const tar = extract()
  tar.on('entry', (header, stream, next) => {
    refused ??= memberFault(header.name, header.type ?? 'file')
    if (members.size >= MOST_MEMBERS) refused ??= `the archive has more than ${MOST_MEMBERS} members`
    const hash = createHash('sha256')
    // When the archive breaks off, its member does as well; the archive's own error is the one that is told.
    stream.on('error', () => undefined)
    stream.on('data', (chunk) => {
      if (!Buffer.isBuffer(chunk)) return
      unpacked += chunk.length
      hash.update(chunk)
      if (unpacked > MOST_UNPACKED) tar.destroy(new ArchiveTooLarge())
    })
    stream.on('end', () => {
      members.set(
        tidyName(header.name),
        `${header.type ?? 'file'} ${isExecutable(header.mode) ? 'x' : '-'} ${hash.digest('hex')}`,
      )
      next()
    })
  })
  try {
    await (isGzip ? pipeline(content, createGunzip(), tar) : pipeline(content, tar))
  } catch (error) {
    if (error instanceof ArchiveTooLarge) return { kind: 'refused', message: 'the archive unpacks to too much' }
    if (content.errored !== null && content.errored === error) throw error
    return { kind: 'refused', message: 'the archive is damaged' }
  }
  return refused === null ? { kind: 'archive', members } : { kind: 'refused', message: refused }
}

class ArchiveTooLarge extends Error {}

function memberFault(name: string, type: string): string | null {
  if (type === 'symlink' || type === 'link') return `${JSON.stringify(name)} in the archive is a link`
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory')
    return `${JSON.stringify(name)} in the archive is neither file nor folder`
  const isOutside = name.startsWith('/') || name.includes('\\') || name.includes('\0') || name.split('/').includes('..')
  return isOutside ? `${JSON.stringify(name)} in the archive leads outside of it` : null
}

function isExecutable(mode: number | undefined): boolean {
  return ((mode ?? 0) & 0o111) !== 0
}

function tidyName(name: string): string {
  return name.replace(/^(\.\/)+/, '').replace(/\/+$/, '')
}

function startsLikeGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

async function readHead(content: Readable, unpack: boolean): Promise<Buffer> {
  const gunzip = unpack ? createGunzip() : null
  // Its error is the reason why the loop below ends early; what there is decides.
  gunzip?.on('error', () => undefined)
  const source = gunzip === null ? content : content.pipe(gunzip)
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of source) {
      const chunk: unknown = part
      if (!Buffer.isBuffer(chunk)) continue
      parts.push(chunk)
      size += chunk.length
      if (size >= HEAD_BYTES) break
    }
  } catch (error) {
    if (gunzip === null) throw error
  } finally {
    content.destroy()
    gunzip?.destroy()
  }
  return Buffer.concat(parts)
}
