import { isUtf8 } from 'node:buffer'
import type { SecretMasker } from '../core/mask-secrets.ts'

/** Bytes of a line that are kept. Longer ones are data, not words; a page that shows them would freeze. */
export const LONGEST_LINE = 64 * 1024
const NEWLINE = 10

export interface LineBlock {
  /** Whole lines, each with its line break; valid UTF-8 without NUL, secrets masked. */
  readonly bytes: Buffer
  readonly lines: number
  /** How many bytes of the program's output these lines were. */
  readonly taken: number
}

export interface LineAssembler {
  /** The whole lines that this chunk completed, null when none. */
  push(chunk: Buffer): LineBlock | null
  /** What is left without a line break, as a line. */
  end(): LineBlock | null
}

/**
 * Makes whole lines of what one program prints. Works on blocks of many lines at once: at a hundred megabytes a
 * second there is no time to look at each line. Everything is masked as whole lines, so a secret that arrives in
 * two pieces is seen.
 */
export function createLineAssembler(masker: SecretMasker): LineAssembler {
  // Long enough that a secret across the cut is masked before the line is cut.
  const keep = LONGEST_LINE + masker.longest
  let pieces: Buffer[] = []
  let held = 0
  let dropped = 0
  const pendingBytes = (): number => held + dropped

  const hold = (piece: Buffer): void => {
    const taken = Math.min(piece.length, Math.max(0, keep - held))
    // A copy: the piece is a view into a larger buffer, which would stay in memory with it.
    if (taken > 0) pieces.push(Buffer.from(piece.subarray(0, taken)))
    held += taken
    dropped += piece.length - taken
  }

  const takeHeld = (rest: Buffer): Buffer => {
    const whole = pieces.length === 0 ? rest : Buffer.concat([...pieces, rest])
    pieces = []
    held = 0
    return whole
  }

  return {
    push(chunk) {
      const last = chunk.lastIndexOf(NEWLINE)
      if (last < 0) {
        hold(chunk)
        return null
      }
      const head = chunk.subarray(0, last + 1)
      const taken = pendingBytes() + head.length
      let block: Buffer
      if (dropped > 0 || held + chunk.indexOf(NEWLINE) > keep) {
        // The line in hand is too long: it ends here, cut.
        const first = chunk.indexOf(NEWLINE)
        hold(chunk.subarray(0, first))
        const cut = cutLine(masker.bytes(takeHeld(Buffer.alloc(0))), dropped)
        dropped = 0
        block = Buffer.concat([cut, cleanLines(masker.bytes(head.subarray(first + 1)))])
      } else {
        block = cleanLines(masker.bytes(takeHeld(head)))
      }
      if (last + 1 < chunk.length) hold(chunk.subarray(last + 1))
      return { bytes: block, lines: countLines(block), taken }
    },
    end() {
      if (held === 0 && dropped === 0) return null
      const taken = pendingBytes()
      const bytes = cutLine(masker.bytes(takeHeld(Buffer.alloc(0))), dropped)
      dropped = 0
      return { bytes, lines: 1, taken }
    },
  }
}

/** Numbers of line breaks. */
export function countLines(block: Buffer): number {
  let lines = 0
  for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, at + 1)) lines += 1
  return lines
}

/** Replaces what is not text and cuts lines that are too long. The same buffer when there is nothing to do. */
function cleanLines(block: Buffer): Buffer {
  const text = asText(block)
  if (text.length <= LONGEST_LINE || !hasLongLine(text)) return text
  const lines: Buffer[] = []
  for (let start = 0; start < text.length;) {
    const end = text.indexOf(NEWLINE, start)
    lines.push(cutLine(text.subarray(start, end), 0))
    start = end + 1
  }
  return Buffer.concat(lines)
}

function hasLongLine(block: Buffer): boolean {
  let start = 0
  while (start < block.length) {
    const end = block.indexOf(NEWLINE, start)
    if (end - start > LONGEST_LINE) return true
    start = end + 1
  }
  return false
}

/** One line without its break, made into at most `LONGEST_LINE` bytes, a note on the rest, and a break. */
function cutLine(line: Buffer, dropped: number): Buffer {
  const missing = dropped + Math.max(0, line.length - LONGEST_LINE)
  const text = asText(line.subarray(0, LONGEST_LINE))
  return Buffer.concat([text, Buffer.from(missing === 0 ? '\n' : ` [... ${missing} bytes of this line left out]\n`)])
}

/** Bytes that are no UTF-8, and NUL, which PostgreSQL and many readers refuse, become U+FFFD. */
function asText(bytes: Buffer): Buffer {
  const valid = isUtf8(bytes) ? bytes : Buffer.from(bytes.toString())
  return valid.includes(0) ? Buffer.from(valid.toString().replaceAll('\0', '\uFFFD')) : valid
}
