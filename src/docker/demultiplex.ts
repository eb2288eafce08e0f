/** One piece of a container's output, in the order of its stream; a line may be spread over several. */
export interface ContainerOutput {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/**
 * Takes output the moment it arrives. It must return at once: an attach connection that is not read stops the
 * container's writes, so whatever is slow (viewers, disks) reads from a copy behind the sink.
 */
export type OutputSink = (output: ContainerOutput) => void

const HEADER_BYTES = 8

/**
 * Splits the Engine's multiplexed stream: frames of a stream number, three zero bytes, a length and so many bytes.
 * Bytes are passed on as they come, a frame is never waited for, so nothing is copied and nothing piles up.
 */
export function demultiplexer(sink: OutputSink): (chunk: Buffer) => void {
  const header = Buffer.alloc(HEADER_BYTES)
  let headerFilled = 0
  let stream: ContainerOutput['stream'] = 'stdout'
  let remaining = 0
  return (chunk) => {
    let offset = 0
    while (offset < chunk.length) {
      if (remaining > 0) {
        const bytes = chunk.subarray(offset, offset + remaining)
        sink({ stream, bytes })
        remaining -= bytes.length
        offset += bytes.length
        continue
      }
      const taken = chunk.copy(header, headerFilled, offset, offset + HEADER_BYTES - headerFilled)
      headerFilled += taken
      offset += taken
      if (headerFilled < HEADER_BYTES) return
      headerFilled = 0
      stream = header[0] === 2 ? 'stderr' : 'stdout'
      remaining = header.readUInt32BE(4)
    }
  }
}
