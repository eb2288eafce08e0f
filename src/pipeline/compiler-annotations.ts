import type { Annotation } from '../core/check.ts'
import { sourcePath } from './source-path.ts'

/** `src/a.c:10:5: error: unknown type`; the path has an ending, so that times of day and addresses are none. */
const LINE = /^\s*([\w./@+-]{1,200}\.[A-Za-z]\w{0,7}):(\d{1,7}):(\d{1,5}):?\s+(.{1,500})$/
/** `src/a.ts(10,5): error TS2304: ...`, as TypeScript and Microsoft's compilers print it. */
const PARENTHESIZED = /^\s*([\w./@+-]{1,200}\.[A-Za-z]\w{0,7})\((\d{1,7}),(\d{1,5})\):\s+(.{1,500})$/
/** More would hide the first ones, which are the cause. */
const MOST_ANNOTATIONS = 50
// oxlint-disable-next-line no-control-regex
const COLOURS = /\u001B\[[0-9;]*m/g

/** Notes of compilers and linters among the lines of a log, each told once. */
export function compilerAnnotations(lines: readonly string[], root: string): readonly Annotation[] {
  const found = new Map<string, Annotation>()
  for (const line of lines) {
    const plain = line.replaceAll(COLOURS, '')
    const match = LINE.exec(plain) ?? PARENTHESIZED.exec(plain)
    const path = match === null ? null : sourcePath(match[1] ?? '', root)
    if (match === null || path === null) continue
    const startLine = Number(match[2])
    const startColumn = Number(match[3])
    const message = match[4] ?? ''
    if (startLine === 0) continue
    const annotation: Annotation = {
      path,
      startLine,
      endLine: startLine,
      ...(startColumn === 0 ? {} : { startColumn, endColumn: startColumn }),
      level: levelOf(message),
      message,
    }
    found.set(JSON.stringify([path, startLine, startColumn, message]), annotation)
    if (found.size >= MOST_ANNOTATIONS) break
  }
  return [...found.values()]
}

function levelOf(message: string): Annotation['level'] {
  if (/^\s*(?:warning|warn)\b/i.test(message)) return 'warning'
  return /^\s*(?:note|info|hint|help)\b/i.test(message) ? 'notice' : 'failure'
}
