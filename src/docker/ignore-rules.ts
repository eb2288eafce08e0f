/**
 * .dockerignore with Docker's meaning, matched in linear time.
 *
 * The published libraries turn each line into a regular expression that backtracks: one hostile line of stars stops the
 * process for minutes. Here a pattern is a list of tokens and a path is read once, with the set of tokens that it could
 * be at; the work is at most length of path times length of pattern. A pattern that matches a folder takes everything
 * below it along; the last line that matches decides.
 */
export type IgnoreRules = (path: string) => boolean

type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'class'; readonly ranges: readonly (readonly [string, string])[]; readonly negated: boolean }
  /** `*`: any characters of one name. */
  | { readonly kind: 'star' }
  /** `**` at the end: everything. */
  | { readonly kind: 'rest' }
  /** `**` before something: any whole folders, or none. Always followed by its inner state. */
  | { readonly kind: 'folders' }
  | { readonly kind: 'inside_folders' }

interface Rule {
  readonly tokens: readonly Token[]
  readonly included: boolean
}

/** Lines past these limits are not Docker's but an attack; a real file has a few dozen short ones. */
const MAX_RULES = 1_000
const MAX_PATTERN_LENGTH = 1_024

/** True means that the path, relative to the context and without a leading slash, is left out. */
export function parseIgnoreRules(text: string): IgnoreRules {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap(parseRule)
    .slice(0, MAX_RULES)
  return (path) => {
    let ignored = false
    for (const rule of rules) {
      // Only a rule that would change the answer has to be matched.
      if (rule.included === ignored && matchesPathOrParent(rule.tokens, path)) ignored = !rule.included
    }
    return ignored
  }
}

function parseRule(line: string): readonly Rule[] {
  if (line.startsWith('#')) return []
  const trimmed = line.trim()
  const included = trimmed.startsWith('!')
  const pattern = cleanPattern(included ? trimmed.slice(1).trim() : trimmed)
  if (pattern === '' || pattern.length > MAX_PATTERN_LENGTH) return []
  return [{ tokens: tokenize(pattern), included }]
}

/** Empty and `.` parts go, `..` takes one part back, as Go cleans paths; patterns are relative to the context. */
function cleanPattern(pattern: string): string {
  const parts: string[] = []
  for (const part of pattern.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function tokenize(pattern: string): readonly Token[] {
  const tokens: Token[] = []
  let index = 0
  while (index < pattern.length) {
    const char = pattern.charAt(index)
    if (pattern.startsWith('**', index)) {
      index += 2
      while (pattern.charAt(index) === '*') index += 1
      if (pattern.charAt(index) === '/') index += 1
      if (index >= pattern.length) tokens.push({ kind: 'rest' })
      else tokens.push({ kind: 'folders' }, { kind: 'inside_folders' })
    } else if (char === '*') {
      tokens.push({ kind: 'star' })
      index += 1
    } else if (char === '?') {
      tokens.push({ kind: 'any' })
      index += 1
    } else if (char === '[' && pattern.indexOf(']', index + 2) !== -1) {
      const end = pattern.indexOf(']', index + 2)
      tokens.push(parseClass(pattern.slice(index + 1, end)))
      index = end + 1
    } else {
      const escaped = char === '\\' && index + 1 < pattern.length
      tokens.push({ kind: 'char', char: escaped ? pattern.charAt(index + 1) : char })
      index += escaped ? 2 : 1
    }
  }
  return tokens
}

function parseClass(body: string): Token {
  const negated = body.startsWith('^')
  const members = negated ? body.slice(1) : body
  const ranges: (readonly [string, string])[] = []
  for (let index = 0; index < members.length; index += 1) {
    const from = members.charAt(index)
    if (members.charAt(index + 1) === '-' && index + 2 < members.length) {
      ranges.push([from, members.charAt(index + 2)])
      index += 2
    } else ranges.push([from, from])
  }
  return { kind: 'class', ranges, negated }
}

/** A pattern that is used up at a slash has matched a folder above the path. */
function matchesPathOrParent(tokens: readonly Token[], path: string): boolean {
  let current = new Set<number>()
  reach(tokens, 0, current)
  for (let index = 0; index < path.length; index += 1) {
    const char = path.charAt(index)
    if (char === '/' && index > 0 && current.has(tokens.length)) return true
    const next = new Set<number>()
    for (const state of current) step(tokens, state, char, next)
    if (next.size === 0) return false
    current = next
  }
  return current.has(tokens.length)
}

/** Adds a state and all that can be reached from it without reading anything. */
function reach(tokens: readonly Token[], state: number, states: Set<number>): void {
  states.add(state)
  const kind = tokens[state]?.kind
  if (kind === 'star' || kind === 'rest') reach(tokens, state + 1, states)
  if (kind === 'folders') reach(tokens, state + 2, states)
}

function step(tokens: readonly Token[], state: number, char: string, next: Set<number>): void {
  const token = tokens[state]
  switch (token?.kind) {
    case undefined:
      return
    case 'char':
      if (token.char === char) reach(tokens, state + 1, next)
      return
    case 'any':
      if (char !== '/') reach(tokens, state + 1, next)
      return
    case 'class':
      if (char !== '/' && token.ranges.some(([from, to]) => from <= char && char <= to) !== token.negated)
        reach(tokens, state + 1, next)
      return
    case 'star':
      if (char !== '/') reach(tokens, state, next)
      return
    case 'rest':
      reach(tokens, state, next)
      return
    case 'folders':
      next.add(state + 1)
      if (char === '/') reach(tokens, state, next)
      return
    case 'inside_folders':
      next.add(state)
      if (char === '/') reach(tokens, state - 1, next)
  }
}
