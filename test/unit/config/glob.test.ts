import { expect, test } from 'vitest'
import { globFault, matchesGlob } from '../../../src/config/glob.ts'

test.each([
  [['**'], 'feature/x', true],
  [['*'], 'feature/x', false],
  [['live', 'live-*'], 'live-eu', true],
  [['live', 'live-*'], 'alive', false],
  [['v*'], 'v1.2.3', true],
  [['[0-9]*'], '1.0.0', true],
  [['[0-9]*'], 'v1', false],
  [['src/**'], 'src/a/b.ts', true],
  [['src/**'], 'test/src/a.ts', false],
  [['**/*.md'], 'README.md', true],
  [['**'], '.github/workflows/ci.yml', true],
  [['{main,release-*}'], 'release-2', true],
  [['**', '!docs/**'], 'docs/a.md', false],
  [['**', '!docs/**', 'docs/api.md'], 'docs/api.md', true],
  [['!docs/**'], 'src/a.ts', true],
  [['!docs/**'], 'docs/a.md', false],
  [['#1'], '#1', true],
  [['+(a)'], 'aaa', false],
  [[], 'anything', false],
])('%j and %s: %s', (patterns, value, selected) => {
  expect(matchesGlob(patterns, value)).toBe(selected)
})

test.each([
  ['', 'empty'],
  ['!', 'empty'],
  ['a'.repeat(257), '256 characters'],
  ['{a,{b,c}}', 'nested'],
  ['{1..100000}', 'ranges'],
  ['{a,b}'.repeat(7), '64 alternatives'],
])('the pattern %s is refused', (pattern, reason) => {
  expect(globFault(pattern)).toContain(reason)
  expect(matchesGlob([pattern], 'a')).toBe(false)
})

test('patterns that take other matchers minutes are decided', () => {
  const patterns = [
    '*a*a*a*a*b',
    `${'*a'.repeat(100)}b`,
    `${'**/a/'.repeat(40)}b`,
    `${'*[ab]'.repeat(40)}c`,
    '{a*a*b,a*a*c}'.repeat(3),
  ]
  for (const pattern of patterns) {
    expect(matchesGlob([pattern], 'a'.repeat(250))).toBe(false)
    expect(matchesGlob([pattern], 'a/'.repeat(1000))).toBe(false)
  }
})

test('a value longer than any path matches nothing', () => {
  expect(matchesGlob(['**'], 'a'.repeat(5000))).toBe(false)
})
