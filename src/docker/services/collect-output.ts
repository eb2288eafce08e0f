import type { Readable } from 'node:stream'
import { demultiplexer } from '../demultiplex.ts'

/** What a process without a terminal wrote, standard output and error in order of arrival, once the stream has ended. */
export async function collectOutput(stream: Readable): Promise<string> {
  const pieces: Buffer[] = []
  const receive = demultiplexer(({ bytes }) => pieces.push(bytes))
  for await (const chunk of stream) receive(chunk)
  return Buffer.concat(pieces).toString('utf8')
}
