import { minimatch } from 'minimatch'

/** Characters. Longer patterns have no honest use and cost time to compile. */
export const MAX_GLOB_LENGTH = 256
/** What `{a,b}{c,d}` multiplies out to. */
const MAX_BRACE_ALTERNATIVES = 64
/** Characters of a path, branch or tag; git itself allows no longer file names on Linux. */
const MAX_VALUE_LENGTH = 4096

/**
 * Whether a list of patterns selects a value (a branch, a tag, a path with forward slashes). Later patterns win: `!x`
 * takes away what an earlier one selected, and a list that begins with `!` starts from everything. `*` stays within
 * one path segment, `**` crosses them, names that begin with a dot are like any other.
 *
 * minimatch 11 decides in time linear in the value's length; other matchers take minutes on `*a*a*a*b`. A list
 * with a pattern that `globFault` objects to selects nothing.
 */
export function matchesGlob(patterns: readonly string[], value: string): boolean {
  if (value.length > MAX_VALUE_LENGTH || patterns.some((pattern) => globFault(pattern) !== null)) return false
  return patterns.reduce(
    (selected, pattern) => {
      const negated = pattern.startsWith('!')
      return matchesOne(negated ? pattern.slice(1) : pattern, value) ? !negated : selected
    },
    patterns[0]?.startsWith('!') ?? false,
  )
}

/** Why a pattern is refused, or null. */
export function globFault(pattern: string): string | null {
  const body = pattern.startsWith('!') ? pattern.slice(1) : pattern
  if (body === '') return 'a pattern may not be empty'
  if (pattern.length > MAX_GLOB_LENGTH) return `a pattern may have at most ${MAX_GLOB_LENGTH} characters`
  if (/\{[^{}]*\{/.test(body)) return 'braces in a pattern may not be nested'
  if (/\{[^{}]*\.\.[^{}]*\}/.test(body)) return 'ranges such as {1..9} are not supported in a pattern'
  const alternatives = [...body.matchAll(/\{([^{}]*)\}/g)].reduce(
    (product, [group]) => product * group.split(',').length,
    1,
  )
  if (alternatives > MAX_BRACE_ALTERNATIVES)
    return `the braces of a pattern may stand for at most ${MAX_BRACE_ALTERNATIVES} alternatives`
  return null
}

function matchesOne(pattern: string, value: string): boolean {
  return minimatch(value, pattern, { dot: true, noext: true, nonegate: true, nocomment: true, platform: 'linux' })
}
