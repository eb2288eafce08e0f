import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { lintManifest } from '../../../src/config/lint-manifest.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'

const yaml = createYamlParser()
afterAll(() => yaml.close())

interface BadManifest {
  readonly title: string
  readonly text: string
  readonly expected: readonly string[]
}

describe('a wrong manifest is told by line, column, key path, message and remedy', () => {
  test.each(readCases())('$title', async ({ text, expected }) => {
    const { result, lines } = await lintManifest(yaml, text, 'slipway.yml')
    expect(result.kind).toBe('invalid')
    expect(lines).toEqual(expected.map((line) => `slipway.yml:${line}`))
  })
})

function readCases(): readonly BadManifest[] {
  const file = readFileSync(join(import.meta.dirname, '../../fixtures/bad-manifests.txt'), 'utf8')
  const cases = file.split(/^=== /m).slice(1)
  return cases.map((one) => {
    const [title = '', ...body] = one.trimEnd().split('\n')
    const expected = body.filter((line) => line.startsWith('>>> ')).map((line) => line.slice('>>> '.length))
    const text = body.filter((line) => !line.startsWith('>>> ')).join('\n')
    return { title, text: `${text}\n`, expected }
  })
}
