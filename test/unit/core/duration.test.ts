import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/core/duration.ts'

test.each([
  ['90s', 90_000],
  ['45m', 2_700_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
  ['1.5h', 5_400_000],
  [90, 90_000],
  ['90', 90_000],
  [0.5, 500],
  ['0s', 0],
])('%s is %d milliseconds', (written, milliseconds) => {
  expect(parseDuration(written)).toBe(milliseconds)
})

test.each(['', 'soon', '-5m', '5 minutes', '5M', '1h30m', '1e3', 'Infinity', '99999999999d', Number.NaN, -1])(
  '%s is no duration',
  (written) => {
    expect(parseDuration(written)).toBeNull()
  },
)

test.each([
  [0, '0ms'],
  [240, '240ms'],
  [1500, '1.5s'],
  [9999, '9.9s'],
  [42_000, '42s'],
  [125_000, '2m 5s'],
  [10_800_000, '3h'],
  [3_605_000, '1h'],
  [612_000_000, '7d 2h'],
])('%d milliseconds read %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text)
})
