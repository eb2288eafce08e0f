import type { Readable } from 'node:stream'
import { SlipwayError } from '../core/errors.ts'

/** A line of progress has a few hundred bytes, one with log output some tens of thousands. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/** The Engine's progress streams: one JSON value a line. Throws host_unreachable when the stream breaks. */
export async function* readJsonLines(stream: Readable): AsyncGenerator {
  let pending: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      let rest: Buffer = chunk
      for (let newline = rest.indexOf(10); newline !== -1; newline = rest.indexOf(10)) {
        yield* parseLine([...pending, rest.subarray(0, newline)])
        pending = []
        size = 0
        rest = rest.subarray(newline + 1)
      }
      if (rest.length === 0) continue
      pending.push(rest)
      size += rest.length
      if (size > MAX_LINE_BYTES)
        throw new SlipwayError('host_refused', 'the Docker host sent a line of progress without an end')
    }
  } catch (thrown) {
    if (thrown instanceof SlipwayError) throw thrown
    throw new SlipwayError('host_unreachable', 'the connection to the Docker host broke while it worked', {
      cause: thrown,
    })
  }
  yield* parseLine(pending)
}

function* parseLine(parts: readonly Buffer[]): Generator {
  const text = Buffer.concat(parts).toString('utf8').trim()
  if (text !== '') yield JSON.parse(text)
}
