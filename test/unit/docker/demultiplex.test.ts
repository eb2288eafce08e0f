import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { demultiplexer } from '../../../src/docker/demultiplex.ts'

function frame(stream: 1 | 2, content: Uint8Array): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(content.length, 4)
  return Buffer.concat([header, content])
}

describe('a multiplexed stream', () => {
  it('gives each stream its bytes, however the connection cut it into pieces', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom<1 | 2>(1, 2), fc.uint8Array({ maxLength: 40 })), { maxLength: 20 })
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (parts, cuts) => {
        const wire = Buffer.concat(parts.map(([stream, content]) => frame(stream, content)))
        const seen = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
        const receive = demultiplexer(({ stream, bytes }) => seen[stream].push(Buffer.from(bytes)))
        for (let offset = 0, turn = 0; offset < wire.length; turn += 1) {
          const length = cuts[turn % cuts.length] ?? 1
          receive(wire.subarray(offset, offset + length))
          offset += length
        }
        const expected = (wanted: 1 | 2) =>
          Buffer.concat(parts.filter(([stream]) => stream === wanted).map(([, content]) => content))
        expect(Buffer.concat(seen.stdout)).toEqual(expected(1))
        expect(Buffer.concat(seen.stderr)).toEqual(expected(2))
      }),
    )
  })
})
