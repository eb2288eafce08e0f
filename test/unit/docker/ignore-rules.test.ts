import dockerignore from '@balena/dockerignore'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIgnoreRules } from '../../../src/docker/ignore-rules.ts'

describe('an ignore file', () => {
  it.each([
    ['node_modules', 'node_modules/a/b.js', true],
    ['/dist/', 'dist/x', true],
    ['dist', 'src/dist', false],
    ['*.md', 'README.md', true],
    ['*.md', 'docs/README.md', false],
    ['**/*.md', 'docs/deep/README.md', true],
    ['**/*.md', 'README.md', true],
    ['docs/**', 'docs/a', true],
    ['docs/**', 'docs', false],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z/file', true],
    ['file?.txt', 'file1.txt', true],
    ['file?.txt', 'file12.txt', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['\\*.txt', 'a.txt', false],
    ['# comment\n*.txt', 'a.txt', true],
    ['*\n!keep', 'keep', false],
    ['*\n!keep', 'keep/inside', false],
    ['*\n!keep/me', 'keep/other', true],
    ['*.md\n!README*.md\nREADME-secret.md', 'README-secret.md', true],
    ['./a/../b', 'b', true],
    ['a+(b)', 'a+(b)', true],
    ['', 'anything', false],
  ])('%j says of %j: left out %s', (text, path, expected) => {
    expect(parseIgnoreRules(text)(path)).toBe(expected)
  })

  it('agrees with the library on ordinary patterns', () => {
    const part = fc.constantFrom('a', 'b', 'ab', 'x.js', '*', '?', '*.js', 'a*', '**')
    const pattern = fc
      .tuple(fc.constantFrom('', '!', ''), fc.array(part, { minLength: 1, maxLength: 4 }))
      .map(([mark, parts]) => mark + parts.join('/'))
    const path = fc
      .array(fc.constantFrom('a', 'b', 'ab', 'x.js', 'aa'), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('/'))
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, one) => {
        expect(parseIgnoreRules(patterns.join('\n'))(one)).toBe(
          dockerignore.default({ ignorecase: false }).add(patterns).ignores(one),
        )
      }),
      { numRuns: 2000 },
    )
  })

  it('stays quick on a line made to stop a process', () => {
    const ignored = parseIgnoreRules(`${'*a'.repeat(300)}b\n${'**/a'.repeat(200)}/b`)
    expect(ignored('a'.repeat(4000))).toBe(false)
    expect(ignored('a/'.repeat(2000))).toBe(false)
  })
})
