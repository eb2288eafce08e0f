import { expect, test } from 'vitest'
import { formatByteSize, parseByteSize } from '../../../src/core/byte-size.ts'

test.each([
  ['2g', 2_147_483_648],
  ['50m', 52_428_800],
  ['512K', 524_288],
  ['1.5GiB', 1_610_612_736],
  ['10MB', 10_485_760],
  ['100', 100],
  [4096, 4096],
])('%s is %d bytes', (written, bytes) => {
  expect(parseByteSize(written)).toBe(bytes)
})

test.each(['', 'lots', '-1m', '2 gigabytes', '1e9', '999999999t', Number.NaN])('%s is no size', (written) => {
  expect(parseByteSize(written)).toBeNull()
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1536, '1.5 KiB'],
  [52_428_800, '50 MiB'],
  [4_294_967_296, '4 GiB'],
])('%d bytes read %s', (bytes, text) => {
  expect(formatByteSize(bytes)).toBe(text)
})
