import { inspect } from 'node:util'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { reveal, secretOf } from '../../../src/core/secret.ts'

const secret = secretOf('hunter2')

test('a secret is told only on request', () => {
  expect(reveal(secret)).toBe('hunter2')
})

test('whatever prints a secret prints stars', () => {
  const lines: string[] = []
  pino({}, { write: (line: string) => lines.push(line) }).info({ secret }, 'started')
  const printed = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    ...lines,
  ]
  for (const text of printed) {
    expect(text).toContain('***')
    expect(text).not.toContain('hunter2')
  }
})

test('a copy of a secret holds nothing', () => {
  expect(JSON.stringify(structuredClone({ secret }))).not.toContain('hunter2')
  expect(Object.values(secret)).toEqual([])
})
