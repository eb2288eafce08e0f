/** Untrusted text in GitHub's Markdown: it shows as it is, and becomes neither markup nor a mention. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { block, code, plain, table } from '../../../src/report/markdown.ts'

describe('plain text', () => {
  it('stays on one line and mentions nobody', () => {
    const shown = plain('ping @acme/all\n<img src=x onerror=alert(1)> | **bold** [link](http://x) `code`')
    expect(shown).not.toMatch(/@\w/)
    expect(shown).not.toMatch(/<|\n/)
    expect(shown).not.toMatch(/(?<!\\)[*`[\]|]/)
  })

  it('keeps a table in shape whatever is in its cells', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const [, , row] = table(['A', 'B'], [[plain(text), 'end']]).split('\n')
        expect(row?.match(/(?<!\\)\|/g)).toHaveLength(3)
      }),
    )
  })
})

describe('code', () => {
  it('is fenced by more backticks than it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('`', 'a', ' ', '\n', '|') }), (text) => {
        const shown = code(text)
        const fence = /^`+/.exec(shown)?.[0] ?? ''
        expect(shown.endsWith(fence)).toBe(true)
        expect(shown).not.toContain('\n')
      }),
    )
  })

  it('cannot be left by a block’s own lines', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('`', '~', 'a') })), (lines) => {
        const [first = '', ...rest] = block(lines).split('\n')
        const fence = /^`+/.exec(first)?.[0] ?? ''
        expect(rest.slice(0, -1).some((line) => line.startsWith(fence))).toBe(false)
        expect(rest.at(-1)).toBe(fence)
      }),
    )
  })

  it('shows no colours and no control characters', () => {
    expect(block(['\u001B[31mred\u001B[0m\u0007\0'])).toBe('```text\nred\n```')
  })
})
