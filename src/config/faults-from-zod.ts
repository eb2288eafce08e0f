import { z } from 'zod'
import type { ConfigFault } from './config-source.ts'
import { didYouMean } from './suggest.ts'
import type { KeyPath } from './yaml-reading.ts'

type Issue = z.core.$ZodIssue

/** A schema's complaints in words for the file's author. `schema` is asked which keys it would have taken. */
export function faultsFromZod(schema: z.ZodType, issues: readonly Issue[]): readonly ConfigFault[] {
  return issues.flatMap((issue) => faultsOf(schema, issue, keyPath(issue.path)))
}

function faultsOf(schema: z.ZodType, issue: Issue, path: KeyPath): readonly ConfigFault[] {
  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt([schema], path)
    return issue.keys.map((key) => ({
      path: [...path, key],
      at: 'key',
      message: 'unknown key',
      hint: unknownKeyHint(key, allowed),
    }))
  }
  if (issue.code === 'invalid_key') {
    const { message, hint } = words(issue.issues[0]?.message ?? 'this name is not allowed')
    return [{ path, at: 'key', message, hint }]
  }
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input' && issue.input !== undefined) {
    return closestBranch(issue.errors).flatMap((inner) => faultsOf(schema, inner, [...path, ...keyPath(inner.path)]))
  }
  return [{ path, ...wordsFor(issue) }]
}

/** The alternative that got furthest: the author most likely meant that one. */
function closestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const wrongKind = (branch: readonly Issue[]): number =>
    branch.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0) ? 1 : 0
  return branches.toSorted((a, b) => wrongKind(a) - wrongKind(b) || a.length - b.length)[0] ?? []
}

interface Words {
  readonly message: string
  readonly hint: string | null
}

function wordsFor(issue: Issue): Words {
  if (
    issue.input === undefined &&
    (issue.code === 'invalid_type' || issue.code === 'invalid_union' || issue.code === 'invalid_value')
  ) {
    return { message: 'is required', hint: null }
  }
  if (!/^(Invalid|Too|Unrecognized)/.test(issue.message)) return words(issue.message)
  if (issue.code === 'invalid_type') return wrongType(issue.expected, issue.input)
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String)
    return {
      message: `expected one of ${allowed.join(', ')}`,
      hint: typeof issue.input === 'string' ? suggestion(issue.input, allowed) : null,
    }
  }
  if (issue.code === 'too_small')
    return { message: `expected at least ${issue.minimum}${unitOf(issue.origin)}`, hint: null }
  if (issue.code === 'too_big')
    return { message: `expected at most ${issue.maximum}${unitOf(issue.origin)}`, hint: null }
  return words(issue.message)
}

function wrongType(expected: string, input: unknown): Words {
  const found = kindOf(input)
  const message = `expected ${KINDS[expected] ?? expected}, found ${found}`
  if (expected === 'array') return { message, hint: 'write a list: [one, two]' }
  if (expected === 'string')
    return { message, hint: found === 'a number' || found === 'true or false' ? 'put it in quotes' : null }
  if (input === null) return { message, hint: 'write {} or remove the key to get the defaults' }
  return { message, hint: null }
}

const KINDS: Readonly<Record<string, string>> = {
  object: 'keys and values',
  record: 'keys and values',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

function kindOf(input: unknown): string {
  if (input === null) return 'nothing'
  if (Array.isArray(input)) return 'a list'
  return KINDS[typeof input] ?? typeof input
}

function unitOf(origin: string): string {
  if (origin === 'array') return ' entries'
  return origin === 'string' ? ' characters' : ''
}

/** Our own messages carry their remedy after a line break. */
function words(text: string): Words {
  const [message = '', hint = null] = text.split('\n')
  return { message, hint }
}

const UNPRIVILEGED = 'containers get no privileges, devices or mounts from this file'
const FOREIGN_KEYS: Readonly<Record<string, string>> = {
  privileged: UNPRIVILEGED,
  volumes: UNPRIVILEGED,
  mounts: UNPRIVILEGED,
  binds: UNPRIVILEGED,
  devices: UNPRIVILEGED,
  cap_add: UNPRIVILEGED,
  security_opt: UNPRIVILEGED,
  network_mode: UNPRIVILEGED,
  pid: UNPRIVILEGED,
  ipc: UNPRIVILEGED,
}
/** What other systems call it. */
const SYNONYMS: Readonly<Record<string, string>> = {
  needs: 'depends_on',
  run: 'commands',
  script: 'commands',
  command: 'commands',
  environment: 'env',
  variables: 'env',
  cmd: 'command',
  jobs: 'stages',
  if: 'when',
  only: 'when',
  retries: 'retry',
  healthCheck: 'healthcheck',
  health_check: 'healthcheck',
}

function unknownKeyHint(key: string, allowed: readonly string[]): string | null {
  if (Object.hasOwn(FOREIGN_KEYS, key)) return FOREIGN_KEYS[key] ?? null
  const synonym = Object.hasOwn(SYNONYMS, key) ? SYNONYMS[key] : undefined
  if (synonym !== undefined && allowed.includes(synonym)) return `did you mean \`${synonym}\`?`
  return didYouMean(key, allowed)
}

function suggestion(word: string, allowed: readonly string[]): string | null {
  const hint = didYouMean(word, allowed)
  return hint?.startsWith('allowed') === true ? null : hint
}

/** The keys that objects at this path may have, over all alternatives. */
function keysAt(schemas: readonly z.core.$ZodType[], path: KeyPath): readonly string[] {
  const bare = schemas.flatMap(unwrap)
  const [part, ...rest] = path
  if (part === undefined)
    return [...new Set(bare.flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])))]
  return keysAt(
    bare.flatMap((schema) => childOf(schema, String(part))),
    rest,
  )
}

function unwrap(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return unwrap(schema.def.innerType)
  }
  if (schema instanceof z.ZodPipe) return unwrap(schema.def.in)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrap)
  return [schema]
}

function childOf(schema: z.core.$ZodType, part: string): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodRecord) return [schema.valueType]
  if (schema instanceof z.ZodArray) return [schema.element]
  if (!(schema instanceof z.ZodObject) || !Object.hasOwn(schema.shape, part)) return []
  const child: unknown = schema.shape[part]
  return child instanceof z.ZodType ? [child] : []
}

function keyPath(path: readonly PropertyKey[]): KeyPath {
  return path.map((part) => (typeof part === 'symbol' ? String(part) : part))
}
