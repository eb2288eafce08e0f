import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combinationEnv, combinationSuffix, expandMatrix } from '../../../src/config/expand-matrix.ts'

const matrix = (axes: Record<string, string[]>, exclude: Record<string, string>[] = []) => ({
  axes,
  exclude,
  failFast: true,
})

test('a stage without a matrix runs once and keeps its name', () => {
  expect(expandMatrix(null)).toEqual({ kind: 'combinations', combinations: [{}] })
  expect(combinationSuffix({})).toBe('')
})

test('the last axis varies fastest', () => {
  expect(expandMatrix(matrix({ node: ['20', '22'], os: ['alpine', 'debian'] }))).toEqual({
    kind: 'combinations',
    combinations: [
      { node: '20', os: 'alpine' },
      { node: '20', os: 'debian' },
      { node: '22', os: 'alpine' },
      { node: '22', os: 'debian' },
    ],
  })
})

test('a partial exclusion leaves out all it matches', () => {
  const expansion = expandMatrix(
    matrix({ node: ['20', '22'], os: ['alpine', 'debian'] }, [{ node: '20' }, { node: '22', os: 'debian' }]),
  )
  expect(expansion).toEqual({ kind: 'combinations', combinations: [{ node: '22', os: 'alpine' }] })
})

test('256 combinations are run, 257 are refused, and huge matrices are never computed', () => {
  const values = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at))
  expect(expandMatrix(matrix({ a: values(256) }))).toMatchObject({ kind: 'combinations' })
  expect(expandMatrix(matrix({ a: values(257) }))).toEqual({ kind: 'too many', count: 257 })
  const axes = Object.fromEntries(values(30).map((name) => [`a${name}`, values(100)]))
  expect(expandMatrix(matrix(axes))).toMatchObject({ kind: 'too many' })
})

test('names and variables of a combination', () => {
  expect(combinationSuffix({ node: '20', os: 'alpine' })).toBe(' (node=20, os=alpine)')
  expect(combinationEnv({ 'node-version': '20' })).toEqual({ SLIPWAY_MATRIX_NODE_VERSION: '20' })
})

test('every combination is distinct and takes one value of each axis', () => {
  const axes = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.uniqueArray(fc.constantFrom('1', '2', '3', '4'), { minLength: 1 }),
    { minKeys: 1 },
  )
  fc.assert(
    fc.property(axes, (given) => {
      const expansion = expandMatrix(matrix(given))
      const combinations = expansion.kind === 'combinations' ? expansion.combinations : []
      expect(new Set(combinations.map((one) => JSON.stringify(one))).size).toBe(
        Object.values(given).reduce((product, values) => product * values.length, 1),
      )
      for (const one of combinations)
        for (const [axis, value] of Object.entries(one)) expect(given[axis]).toContain(value)
    }),
  )
})
