import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMasker } from '../../../src/core/mask-secrets.ts'
import { secretOf } from '../../../src/core/secret.ts'

const maskerOf = (...secrets: string[]) => createMasker(secrets.map(secretOf))

describe('masking secrets', () => {
  it('hides a secret as it is, URL-encoded and JSON-escaped', () => {
    const secret = 'p@ss "word"/&\\'
    const masker = maskerOf(secret)
    const printed = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)].join(' | ')
    expect(masker.text(printed)).toBe('*** | *** | ***')
  })

  it('hides base64 of a text that holds the secret anywhere', () => {
    const masker = maskerOf('correct-horse-battery')
    for (const before of ['', 'a', 'ab', 'abc', 'user:']) {
      const encoded = Buffer.from(`${before}correct-horse-battery;tail`).toString('base64')
      const masked = masker.text(encoded)
      expect(masked).toContain('***')
      expect(Buffer.from(masked.replace('***', ''), 'base64').toString()).not.toContain('horse')
    }
  })

  it('hides each line of a secret of several lines, but not its braces', () => {
    const masker = maskerOf('{\n  "key": "value-of-it"\n}')
    expect(masker.text('if (x) {\n"key": "value-of-it" }')).toBe('if (x) {\n*** }')
  })

  it('leaves secrets alone that are too short to mean anything', () => {
    expect(maskerOf('abc', '').isEmpty).toBe(true)
    expect(maskerOf('abc').text('abcdef')).toBe('abcdef')
  })

  it('shows no end of a secret that overlaps with another', () => {
    expect(maskerOf('abcdef', 'defghi').text('xabcdefghiy')).toBe('x***y')
    expect(maskerOf('aaaa').text('baaaaaab')).toBe('b***b')
  })

  it('hides a short secret that lies inside a long one', () => {
    expect(maskerOf('token', 'my-token-is-long').text('my-token-is-long token my-token')).toBe('*** *** my-***')
  })

  it('gives the same output however the text is cut', () => {
    const secret = fc.string({ minLength: 4, maxLength: 12, unit: fc.constantFrom('a', 'b', 'é', '\n') })
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.array(fc.oneof(fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\n'), maxLength: 8 }), fc.nat(3)), {
          maxLength: 20,
        }),
        fc.array(fc.nat(200), { maxLength: 12 }),
        (secrets, pieces, cuts) => {
          const masker = maskerOf(...secrets)
          const text = Buffer.from(
            pieces.map((piece) => (typeof piece === 'number' ? (secrets[piece] ?? '') : piece)).join(''),
          )
          const stream = masker.stream()
          const points = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length]
          const output = points.slice(1).map((end, index) => stream.push(text.subarray(points[index], end)))
          expect(Buffer.concat([...output, stream.flush()]).toString('latin1')).toBe(
            masker.bytes(text).toString('latin1'),
          )
        },
      ),
      { numRuns: 500 },
    )
  })

  it('never lets a whole secret through', () => {
    const letters = fc.string({ minLength: 4, maxLength: 10, unit: fc.constantFrom('x', 'y', 'z') })
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 5 }),
        fc.string({ unit: fc.constantFrom('x', 'y', 'z', ' ') }),
        (secrets, noise) => {
          const printed = `${noise}${secrets.join(noise)}${noise}`
          const masked = maskerOf(...secrets).text(printed)
          for (const secret of secrets) expect(masked).not.toContain(secret)
        },
      ),
    )
  })
})
