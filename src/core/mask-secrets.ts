/**
 * Takes secrets out of what programs print. A secret is known in every form in which tools tend to print it: as it
 * is, line by line, as base64 at each of the three byte offsets, URL-encoded and JSON-escaped. Parts under four
 * characters are left alone: masking `{` would black out the log and hide nothing.
 *
 * Many patterns are searched in one pass by a table of shifts over pairs of bytes (Wu and Manber's idea), because one
 * search per pattern gets slower with every secret. Overlapping matches are masked as one, so no end of a secret
 * stays visible behind the start of another.
 */
import { reveal, type Secret } from './secret.ts'

export const MASK = '***'
/** Characters. Shorter texts occur everywhere by accident. */
const SHORTEST_PATTERN = 4

export interface SecretMasker {
  /** True when there is nothing to mask. */
  readonly isEmpty: boolean
  /** Bytes of the longest pattern: how much a stream holds back at most. */
  readonly longest: number
  /** The same buffer when nothing had to be masked. A secret across its end is not seen; use `stream` for pieces. */
  bytes(block: Buffer): Buffer
  text(text: string): string
  /** For output that comes in pieces: the result is the same however it is cut. */
  stream(): MaskingStream
}

export interface MaskingStream {
  push(piece: Buffer): Buffer
  flush(): Buffer
}

export function createMasker(secrets: readonly Secret[]): SecretMasker {
  const forms = new Set(secrets.flatMap((secret) => formsOf(reveal(secret))))
  if (forms.size === 0) return NOTHING_TO_MASK
  const patterns = [...forms].map((form) => Buffer.from(form))
  const longest = Math.max(...patterns.map((pattern) => pattern.length))
  const search = compileSearch(patterns)
  const bytes = (block: Buffer): Buffer => maskBefore(search, block, block.length, 0).output
  return {
    isEmpty: false,
    longest,
    bytes,
    text: (text) => bytes(Buffer.from(text)).toString(),
    stream: () => maskStream(search, longest),
  }
}

const NOTHING_TO_MASK: SecretMasker = {
  isEmpty: true,
  longest: 0,
  bytes: (block) => block,
  text: (text) => text,
  stream: () => ({ push: (piece) => piece, flush: () => Buffer.alloc(0) }),
}

/** Every form of a secret that is long enough to be looked for. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/)
  const parts = lines.length > 1 ? [secret, ...lines.map((line) => line.trim())] : [secret]
  return parts
    .filter((part) => part.length >= SHORTEST_PATTERN)
    .flatMap(encodingsOf)
    .filter((form) => form.length >= SHORTEST_PATTERN)
}

function encodingsOf(text: string): readonly string[] {
  // Through a buffer: half a surrogate pair would throw.
  const url = encodeURIComponent(Buffer.from(text).toString())
  const base64 = [0, 1, 2].map((offset) => base64Core(Buffer.from(text), offset))
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    url,
    url.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    url.replaceAll('%20', '+'),
    ...base64,
    ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
  ]
}

/**
 * What base64 shows of a text that stands `offset` bytes (modulo 3) into the encoded data, whatever surrounds it:
 * the characters that mix in bits of the neighbours are left out.
 */
function base64Core(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
}

interface Hit {
  readonly start: number
  readonly end: number
}

/** The first match at or after `from`, the longest of those that begin there. */
type Search = (block: Buffer, from: number) => Hit | null

function compileSearch(patterns: readonly Buffer[]): Search {
  const window = Math.min(...patterns.map((pattern) => pattern.length))
  const pairAt = (bytes: Buffer, index: number): number => ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)
  // How far the window may move when it ends in this pair of bytes; zero: some pattern may begin here.
  const shifts = new Uint16Array(65_536).fill(Math.min(window - 1, 65_535))
  const candidates = new Map<number, Buffer[]>()
  for (const pattern of patterns) {
    for (let index = 0; index < window - 1; index += 1) {
      const pair = pairAt(pattern, index)
      shifts[pair] = Math.min(shifts[pair] ?? 0, window - 2 - index)
    }
    const last = pairAt(pattern, window - 2)
    candidates.set(
      last,
      [...(candidates.get(last) ?? []), pattern].toSorted((a, b) => b.length - a.length),
    )
  }
  return (block, from) => {
    let index = from + window - 2
    while (index < block.length - 1) {
      const shift = shifts[((block[index] as number) << 8) | (block[index + 1] as number)] as number
      if (shift > 0) {
        index += shift
        continue
      }
      const start = index - window + 2
      const match = candidates.get(pairAt(block, index))?.find((pattern) => standsAt(pattern, block, start))
      if (match !== undefined) return { start, end: start + match.length }
      index += 1
    }
    return null
  }
}

function standsAt(pattern: Buffer, block: Buffer, start: number): boolean {
  return start + pattern.length <= block.length && pattern.compare(block, start, start + pattern.length) === 0
}

/**
 * Masks the matches that begin before `until` in the bytes before `until`.
 * @param covered how many of the first bytes lie under a mask that was given out before
 * @returns the output, and how many bytes after `until` lie under its last mask
 */
function maskBefore(
  search: Search,
  block: Buffer,
  until: number,
  covered: number,
): { output: Buffer; covered: number } {
  const parts: Buffer[] = []
  let done = covered
  for (let hit = search(block, 0); hit !== null && hit.start < until; hit = search(block, hit.start + 1)) {
    if (hit.start >= done) parts.push(block.subarray(done, hit.start), MASK_BYTES)
    done = Math.max(done, hit.end)
  }
  if (done < until) parts.push(block.subarray(done, until))
  const [only = EMPTY] = parts
  return { output: parts.length <= 1 ? only : Buffer.concat(parts), covered: Math.max(0, done - until) }
}

const MASK_BYTES = Buffer.from(MASK)
const EMPTY = Buffer.alloc(0)

/** Holds back as many bytes as a match that begins in them could need. */
function maskStream(search: Search, longest: number): MaskingStream {
  let held: Buffer = EMPTY
  let covered = 0
  const release = (block: Buffer, until: number): Buffer => {
    const result = maskBefore(search, block, until, covered)
    covered = result.covered
    held = Buffer.from(block.subarray(until))
    return result.output
  }
  return {
    push(piece) {
      const block = held.length === 0 ? piece : Buffer.concat([held, piece])
      return release(block, Math.max(0, block.length - longest + 1))
    },
    flush: () => release(held, held.length),
  }
}
