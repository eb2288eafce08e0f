import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { lintManifest } from '../../../src/config/lint-manifest.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'

const yaml = createYamlParser()
afterAll(() => yaml.close())

const read = (text: string | Uint8Array) => lintManifest(yaml, text, 'slipway.yml')
const firstLine = async (text: string | Uint8Array): Promise<string | undefined> => (await read(text)).lines[0]

describe('hostile text is refused with a place and the process goes on', () => {
  test('900 levels, again and again', async () => {
    for (let round = 0; round < 20; round += 1) {
      expect(await firstLine('['.repeat(900))).toBe(
        'slipway.yml:1:100: nested deeper than 100 levels (flatten the file)',
      )
    }
  })

  test('100,000 levels of maps', async () => {
    expect(await firstLine('{a: '.repeat(60_000))).toMatch(/nested deeper than 100 levels/)
  })

  test('levels by indentation', async () => {
    const text = Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')
    expect(await firstLine(text)).toMatch(/^slipway\.yml:10[01]:\d+: nested deeper than 100 levels/)
  })

  test('a hundred levels are read', async () => {
    expect(await firstLine(`x: ${'['.repeat(98)}${']'.repeat(98)}`)).toMatch(/unknown key/)
  })

  test('ten megabytes', async () => {
    expect(await firstLine(`# ${'x'.repeat(10_000_000)}`)).toMatch(
      /^slipway\.yml:1:\d+: the file is larger than 256 KiB/,
    )
  })

  test('one byte above the limit, counted in bytes and placed on its line', async () => {
    const text = `# first line\n# ${'é'.repeat(131_100)}`
    expect(await firstLine(text)).toMatch(/^slipway\.yml:2:\d+: the file is larger than 256 KiB/)
  })

  test('aliases that mean billions of values', async () => {
    const level = (name: string, of: string): string => `${name}: &${name} [${Array(9).fill(`*${of}`).join(', ')}]`
    const names = 'abcdefghij'.split('')
    const text = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...names.slice(1).map((name, at) => level(name, names[at] ?? '')),
    ].join('\n')
    expect(await firstLine(text)).toMatch(/more than 50000 values/)
  })

  test('more than a hundred aliases', async () => {
    expect(await firstLine(`a: &a 1\nb: [${Array(101).fill('*a').join(', ')}]`)).toMatch(
      /^slipway\.yml:2:\d+: the file holds more than 100 aliases/,
    )
  })

  test('NUL bytes and other control characters', async () => {
    expect(await firstLine('version: 1\nimages: \0')).toMatch(
      /^slipway\.yml:2:9: the file holds the control character U\+0000/,
    )
    expect(await firstLine('a: \x1b[31m')).toMatch(/^slipway\.yml:1:4: the file holds the control character U\+001B/)
  })

  test('bytes that are not UTF-8', async () => {
    expect(await firstLine(Buffer.from('version: 1\n# caf\xe9', 'latin1'))).toMatch(
      /^slipway\.yml:2:6: the file is not UTF-8 text/,
    )
    expect(await firstLine(Buffer.from('\ufeffversion: 1', 'utf16le'))).toMatch(
      /^slipway\.yml:1:1: the file is not UTF-8 text/,
    )
  })

  test('a genuine replacement character before the broken byte does not move the place', async () => {
    expect(await firstLine(Buffer.concat([Buffer.from('# \uFFFD '), Buffer.from([0xff])]))).toMatch(
      /^slipway\.yml:1:5: /,
    )
  })

  test('a byte order mark is not part of the first key', async () => {
    expect((await read('\uFEFFversion: 1\n')).result.kind).toBe('ok')
    expect((await read(Buffer.from('\uFEFFversion: 1\n'))).result.kind).toBe('ok')
  })

  test('no prototype is touched', async () => {
    await read('__proto__: {polluted: yes}\nconstructor: {prototype: {polluted: yes}}')
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  test('a hundred thousand steps', async () => {
    const steps = Array(20_000).fill('- {commands: [a]}').join('\n')
    const { lines } = await read(
      `pipeline:\n  image: a\n  stages:\n    s:\n      steps:\n${steps.replaceAll(/^/gm, '        ')}`,
    )
    expect(lines).toHaveLength(1)
  })

  test('hundreds of mistakes are told fifty at a time', async () => {
    const { lines } = await read(Array.from({ length: 300 }, (_, at) => `wrong${at}: 1`).join('\n'))
    expect(lines).toHaveLength(50)
    expect(lines[49]).toMatch(/^slipway\.yml:50:1: wrong49/)
  })
})

describe('the thread that reads YAML', () => {
  test('answers many at once, each with its own', async () => {
    const readings = await Promise.all(Array.from({ length: 20 }, (_, at) => yaml.parse(`a: ${at}`)))
    expect(readings.map((reading) => reading.kind === 'ok' && reading.value)).toEqual(
      Array.from({ length: 20 }, (_, at) => ({ a: at })),
    )
  })

  test('is ended at the deadline, the text is refused, and the next call starts another', async () => {
    const impatient = createYamlParser({ deadline: 0 })
    const refusal = {
      kind: 'invalid',
      problems: [{ line: 1, message: expect.stringMatching(/cannot be read within/) }],
    }
    expect(await impatient.parse('a: 1')).toMatchObject(refusal)
    expect(await impatient.parse('a: 1')).toMatchObject(refusal)
    await impatient.close()
  })

  test('that runs out of memory takes nothing with it', async () => {
    const small = createYamlParser({ heapLimit: 12 })
    expect(await small.parse(`a: [${'1,'.repeat(45_000)}]`)).toMatchObject({
      kind: 'invalid',
      problems: [{ message: expect.stringMatching(/cannot be read within/) }],
    })
    expect(await small.parse('a: 1')).toMatchObject({ kind: 'ok' })
    await small.close()
  })

  test('starts again after it was closed', async () => {
    await yaml.close()
    expect(await yaml.parse('a: 1')).toMatchObject({ kind: 'ok', value: { a: 1 } })
  })
})

test('no text makes it throw, and every problem has a place in the text', async () => {
  const fragment = fc.constantFrom(
    'images:',
    'services:',
    'pipeline:',
    'stages:',
    'steps:',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    ': ',
    ', ',
    '&a ',
    '*a',
    '!!str ',
    '|',
    '>',
    '"',
    "'",
    '#',
    '${x}',
    '<<: ',
    '? ',
    '---\n',
    '\t',
    'web',
    '1.10',
    'null',
    '~',
    '%',
    '@',
    '\u{1F600}',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join('')),
  )
  await fc.assert(
    fc.asyncProperty(text, async (written) => {
      const { result } = await read(written)
      for (const problem of result.problems) {
        expect(problem.line).toBeGreaterThanOrEqual(1)
        expect(problem.line).toBeLessThanOrEqual(written.split(/\r\n|\r|\n/).length + 1)
        expect(problem.column).toBeGreaterThanOrEqual(1)
      }
    }),
    { numRuns: 1500 },
  )
})
