import { XMLParser } from 'fast-xml-parser'
import { z } from 'zod'
import type { Annotation } from '../core/check.ts'
import type { TestSummary } from '../core/stage-report.ts'
import { sourcePath } from './source-path.ts'

export interface JunitReport {
  readonly summary: TestSummary
  readonly annotations: readonly Annotation[]
}

/** Failures that are told in full; the log has the rest. */
const MOST_FAILURES = 50
/** Characters of a failure's message in an annotation. */
const LONGEST_MESSAGE = 4_000

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  // Entities that a report defines itself are a known way to fill a memory.
  processEntities: false,
  isArray: (name) => ['testsuite', 'testcase'].includes(name),
})

const message = z.union([
  z.string(),
  z.number(),
  z.object({ message: z.coerce.string().optional(), '#text': z.coerce.string().optional() }).loose(),
])
const outcome = z.union([message, z.array(message)])
const testCase = z
  .object({
    name: z.coerce.string().optional(),
    classname: z.coerce.string().optional(),
    file: z.coerce.string().optional(),
    line: z.coerce.number().int().positive().optional().catch(undefined),
    failure: outcome.optional(),
    error: outcome.optional(),
    skipped: z.unknown().optional(),
  })
  .loose()
type TestCase = z.output<typeof testCase>

/** What a JUnit report says; null when the text is none. `root` is cut from the paths of files. */
export function parseJunit(text: string, root: string): JunitReport | null {
  let document: unknown
  try {
    document = parser.parse(text)
  } catch {
    return null
  }
  if (!isRecord(document) || !('testsuites' in document || 'testsuite' in document)) return null
  const cases = casesOf(document, 0).flatMap((one) => {
    const parsed = testCase.safeParse(one)
    return parsed.success ? [parsed.data] : []
  })
  const failed = cases.filter((one) => (one.failure ?? one.error) !== undefined)
  const told = failed.slice(0, MOST_FAILURES)
  return {
    summary: {
      total: cases.length,
      failed: failed.length,
      skipped: cases.filter((one) => one.skipped !== undefined).length,
      failures: told.map((one) => ({ name: nameOf(one), message: messageOf(one) })),
    },
    annotations: told.flatMap((one): readonly Annotation[] => {
      const path = one.file === undefined ? null : sourcePath(one.file, root)
      if (path === null) return []
      const line = one.line ?? 1
      return [
        {
          path,
          startLine: line,
          endLine: line,
          level: 'failure',
          title: nameOf(one).slice(0, 255),
          message: messageOf(one),
        },
      ]
    }),
  }
}

/** Suites may lie in suites; nobody nests them deeper than this. */
const DEEPEST_SUITE = 20

function casesOf(node: unknown, depth: number): readonly unknown[] {
  if (Array.isArray(node)) return node.flatMap((one) => casesOf(one, depth))
  if (!isRecord(node) || depth > DEEPEST_SUITE) return []
  const own = Array.isArray(node['testcase']) ? node['testcase'] : []
  return [...own, ...casesOf(node['testsuite'], depth + 1), ...casesOf(node['testsuites'], depth + 1)]
}

function nameOf(test: TestCase): string {
  return [test.classname, test.name].filter((part) => part !== undefined && part !== '').join(' › ') || 'a test'
}

function messageOf(test: TestCase): string {
  const raw = test.failure ?? test.error ?? ''
  const first = Array.isArray(raw) ? raw[0] : raw
  const text =
    typeof first === 'object'
      ? [first.message, first['#text']].filter((part) => part !== undefined).join('\n')
      : String(first ?? '')
  return (text.trim() === '' ? 'the test failed' : unescaped(text.trim())).slice(0, LONGEST_MESSAGE)
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
  '#10': '\n',
  '#13': '',
  '#xA': '\n',
  '#9': '\t',
}

function unescaped(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|apos|amp|#10|#13|#xA|#9);/g, (_whole, name: string) => ENTITIES[name] ?? '')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
