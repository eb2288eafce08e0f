/**
 * Where the reading of a container's output stands, and how it is taken up again.
 *
 * While a container runs under our eyes its output comes by attach, which is several times faster than the Engine's
 * log and has no timestamps. So the position is counted in bytes of each stream. After a crash the Engine's log is read
 * from its beginning and so many bytes are passed over: exact, because the `local` driver keeps bytes as they were.
 * Once so much was printed that the Engine may have dropped its oldest file, bytes cannot be counted from the
 * beginning any more; then reading goes on from the time of the last output, and the result says so.
 */
import type { Duplex, Readable } from 'node:stream'
import type { DockerEngine } from './engine.ts'
import { segment } from './engine.ts'
import { RETAINED_LOG } from './container-options.ts'
import { demultiplexer } from './demultiplex.ts'
import type { OutputSink } from './demultiplex.ts'

export interface LogPosition {
  /** Bytes of each stream that have been taken over. */
  readonly stdout: number
  readonly stderr: number
  /** Seconds since the epoch with nine decimals when the last of them came. */
  readonly at: string
}

export const LOG_START: LogPosition = { stdout: 0, stderr: 0, at: '0.000000000' }

/**
 * Below this the log is certainly whole. The driver adds some forty bytes to each line, so lines of ten bytes fill a
 * file five times as fast as their bytes say.
 */
const CERTAINLY_RETAINED_BYTES = ((RETAINED_LOG.files - 1) * RETAINED_LOG.fileMegabytes * 1_000_000) / 5

const LAST_ERROR_BYTES = 512

export interface LogReading {
  /** What has been handed to the sink, all readings together. */
  position(): LogPosition
  /** False when a reading had to go on by time, so that lines may be missing or doubled at the seam. */
  exact(): boolean
  /** The end of stderr, a few hundred bytes. */
  lastError(): string
  /** Passes everything on until the stream ends or breaks. */
  drain(stream: Readable, skip?: LogPosition): Promise<void>
}

/** Output printed from now on and before, in one connection; to be opened before the container starts. */
export function attachOutput(engine: DockerEngine, id: string): Promise<Duplex> {
  return engine.upgrade({
    method: 'POST',
    path: `/containers/${segment(id)}/attach`,
    query: { stream: true, stdout: true, stderr: true },
  })
}

/** The Engine's own log, followed until the container ends. */
export function followLog(
  engine: DockerEngine,
  id: string,
  position: LogPosition,
  signal?: AbortSignal,
): Promise<Readable> {
  const since = countable(position) ? undefined : position.at
  return engine.stream(
    {
      method: 'GET',
      path: `/containers/${segment(id)}/logs`,
      query: { follow: true, stdout: true, stderr: true, since },
    },
    { signal },
  )
}

export function readOutput(from: LogPosition, sink: OutputSink): LogReading {
  const taken = { stdout: from.stdout, stderr: from.stderr }
  let at = from.at
  let exact = true
  let lastError = Buffer.alloc(0)
  return {
    position: () => ({ ...taken, at }),
    exact: () => exact,
    lastError: () => lastError.toString('utf8'),
    drain: async (stream, skip = LOG_START) => {
      const ahead = countable(skip) ? { stdout: skip.stdout, stderr: skip.stderr } : { stdout: 0, stderr: 0 }
      if (!countable(skip)) exact = false
      const receive = demultiplexer((output) => {
        const passed = Math.min(ahead[output.stream], output.bytes.length)
        ahead[output.stream] -= passed
        if (passed === output.bytes.length) return
        const bytes = output.bytes.subarray(passed)
        taken[output.stream] += bytes.length
        if (output.stream === 'stderr')
          lastError = Buffer.concat([lastError, bytes.subarray(-LAST_ERROR_BYTES)]).subarray(-LAST_ERROR_BYTES)
        sink({ stream: output.stream, bytes })
      })
      await ended(stream, (chunk) => {
        at = epochSeconds(Date.now())
        receive(chunk)
      })
    },
  }
}

function countable(position: LogPosition): boolean {
  return position.stdout + position.stderr < CERTAINLY_RETAINED_BYTES
}

function epochSeconds(milliseconds: number): string {
  return `${Math.floor(milliseconds / 1000)}.${String(milliseconds % 1000).padStart(3, '0')}000000`
}

/** A broken stream counts as an ended one: whoever drains asks the Engine whether the container still runs. */
function ended(stream: Readable, onChunk: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve) => {
    stream.on('data', onChunk)
    stream.once('end', () => stream.destroy())
    stream.once('error', () => resolve())
    stream.once('close', () => resolve())
  })
}
