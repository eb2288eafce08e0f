import { parseEvents, YAMLException } from 'js-yaml'
import { LineCounter, parseDocument } from 'yaml'
import { convertYamlNodes } from './convert-yaml-nodes.ts'
import {
  MAX_YAML_BYTES,
  MAX_YAML_LEVELS,
  type YamlPosition,
  type YamlProblem,
  type YamlReading,
} from './yaml-reading.ts'

/**
 * Reads one YAML 1.2 document. Runs inside the worker, in this order for a reason: `yaml` keeps the line and column
 * of everything but can end the whole thread on a deeply nested file, so `js-yaml`, which counts levels, goes first.
 * Anything odd is a problem with a position; nothing is guessed.
 */
export function readYaml(input: string | Uint8Array): YamlReading {
  const decoded = decode(input)
  if (typeof decoded !== 'string') return refused(decoded)
  const text = decoded.startsWith('\uFEFF') ? decoded.slice(1) : decoded
  const problem = controlCharacter(text) ?? gate(text)
  return problem === null ? readDocument(text) : refused(problem)
}

/** Called before the text crosses into the worker as well, so that a huge file is never copied. */
export function tooLarge(input: string | Uint8Array): YamlProblem | null {
  const bytes = typeof input === 'string' ? Buffer.byteLength(input) : input.length
  if (bytes <= MAX_YAML_BYTES) return null
  const start =
    typeof input === 'string'
      ? input.slice(0, MAX_YAML_BYTES)
      : Buffer.from(input.subarray(0, MAX_YAML_BYTES)).toString()
  return {
    ...positionAt(start, start.length),
    message: `the file is larger than ${MAX_YAML_BYTES / 1024} KiB`,
    hint: 'move long scripts into files of the repository and call them',
  }
}

function readDocument(text: string): YamlReading {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core' })
  const problems = [...document.errors, ...document.warnings].map((issue): YamlProblem => {
    const { line, col } = lines.linePos(issue.pos[0])
    return { line, column: col, ...wordsFor(issue.code, issue.message) }
  })
  return problems.length > 0 ? { kind: 'invalid', problems } : convertYamlNodes(document, lines)
}

function gate(text: string): YamlProblem | null {
  try {
    parseEvents(text, { maxDepth: MAX_YAML_LEVELS })
    return null
  } catch (thrown) {
    if (!(thrown instanceof YAMLException)) throw thrown
    // A few errors carry no mark; the other parser words those with one.
    if (thrown.mark === undefined) return null
    return { line: thrown.mark.line + 1, column: thrown.mark.column + 1, ...wordsFor('SYNTAX', thrown.reason) }
  }
}

function decode(input: string | Uint8Array): string | YamlProblem {
  if (typeof input === 'string') return input
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)
  } catch {
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(input)
    return {
      ...positionAt(text, firstBrokenCharacter(input)),
      message: 'the file is not UTF-8 text',
      hint: 'save it as UTF-8',
    }
  }
}

/** A genuine U+FFFD is valid UTF-8, so the first replacement character is not always the first broken one. */
function firstBrokenCharacter(bytes: Uint8Array): number {
  let low = 0
  let high = bytes.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (prefixIsValid(bytes.subarray(0, middle + 1))) low = middle + 1
    else high = middle
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, low), { stream: true }).length
}

function prefixIsValid(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

function controlCharacter(text: string): YamlProblem | null {
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  const at = text.search(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/)
  if (at < 0) return null
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
  return {
    ...positionAt(text, at),
    message: `the file holds the control character U+${code}`,
    hint: 'remove it; inside double quotes it can be written as an escape',
  }
}

function wordsFor(code: string, message: string): { readonly message: string; readonly hint: string | null } {
  if (/maxDepth/.test(message)) {
    return { message: `nested deeper than ${MAX_YAML_LEVELS} levels`, hint: 'flatten the file' }
  }
  if (code === 'MULTIPLE_DOCS') return { message: 'more than one document', hint: 'keep one: remove the line ---' }
  const hint = HINTS.find(([pattern]) => pattern.test(`${code} ${message}`))?.[1] ?? null
  return { message: message.charAt(0).toLowerCase() + message.slice(1).replace(/\.$/, ''), hint }
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/\btab/i, 'indent with spaces'],
  [/DUPLICATE_KEY/, 'each key may stand once; merge the two or remove one'],
  [/tag/i, 'tags (words that begin with !) are not used here; quote the value if it begins with !'],
  [/alias/i, 'an alias (*name) needs an anchor (&name) above it; quote the value if it begins with *'],
  [
    /bad indentation|end of the stream or a document separator/,
    'check the indentation, and quote values that hold ": " or begin with a special character',
  ],
  [/deficient indentation/, 'close the bracket or quotation mark, or indent this line more'],
  [/flow collection/, 'close the bracket'],
  [/quoted scalar/, 'close the quotation mark'],
]

function positionAt(text: string, offset: number): YamlPosition {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: offset - lineStart + 1 }
}

function refused(problem: YamlProblem): YamlReading {
  return { kind: 'invalid', problems: [problem] }
}
