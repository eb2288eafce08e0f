import { expect, test } from 'vitest'
import { fillFrom, fillTemplate, placeholdersOf } from '../../../src/config/fill-template.ts'

test('known names are filled in, unknown ones are told and stay', () => {
  expect(fillFrom('erlang:${erl}-${os}', { erl: '25' })).toEqual({ text: 'erlang:25-${os}', unknown: ['os'] })
})

test('what is filled in is never filled in again', () => {
  expect(fillFrom('${branch}', { branch: '${secret}$${x}', secret: 'x' })).toEqual({
    text: '${secret}$${x}',
    unknown: [],
  })
})

test('$${ is a literal ${', () => {
  expect(fillFrom('$${HOME}/${a}', { a: 'b' })).toEqual({ text: '${HOME}/b', unknown: [] })
})

test('a placeholder may carry an argument', () => {
  const hashes = (name: string): string | undefined => (name === 'hash:package-lock.json' ? 'abc' : undefined)
  expect(fillTemplate('npm-${hash:package-lock.json}', hashes).text).toBe('npm-abc')
})

test('inherited names are unknown', () => {
  expect(fillFrom('${constructor}${__proto__}', {}).unknown).toEqual(['constructor', '__proto__'])
})

test('the names a template asks for', () => {
  expect(placeholdersOf('a ${b} $${c} ${d} $e {f} ${')).toEqual(['b', 'd'])
})
