/**
 * BuildKit's progress as it comes through the Engine: base64 of a protobuf message in each line. The message is
 * moby.buildkit.v1.StatusResponse (api/services/control/control.proto of moby/buildkit); only the fields that are
 * used are named here. Output is decoded as bytes, because that is what a program printed.
 */
import protobuf from 'protobufjs'
import { z } from 'zod'

export interface BuildkitVertex {
  readonly digest: string
  readonly name: string
  readonly cached: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number | undefined
  readonly completedAt: number | undefined
  /** Empty unless it failed. */
  readonly error: string
}

export interface BuildkitLog {
  readonly vertex: string
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

export interface BuildkitStatus {
  readonly vertexes: readonly BuildkitVertex[]
  /** Progress inside a step, such as the layers of a base image. */
  readonly statuses: readonly {
    readonly vertex: string
    readonly id: string
    readonly current: number
    readonly total: number
  }[]
  readonly logs: readonly BuildkitLog[]
  readonly warnings: readonly { readonly vertex: string; readonly text: string }[]
}

/** Throws when the text is not such a message. */
export function decodeBuildkitStatus(base64: string): BuildkitStatus {
  const decoded = statusType.toObject(statusType.decode(Buffer.from(base64, 'base64')), {
    longs: Number,
    defaults: true,
    arrays: true,
  })
  const status = statusMessage.parse(decoded)
  return {
    vertexes: status.vertexes.map(({ started, completed, ...vertex }) => ({
      ...vertex,
      startedAt: started,
      completedAt: completed,
    })),
    statuses: status.statuses.map(({ ID, ...one }) => ({ ...one, id: ID })),
    logs: status.logs.map((log) => ({
      vertex: log.vertex,
      stream: log.stream === STDERR ? 'stderr' : 'stdout',
      bytes: Buffer.from(log.msg),
    })),
    warnings: status.warnings.map((warning) => ({
      vertex: warning.vertex,
      text: Buffer.from(warning.short).toString('utf8'),
    })),
  }
}

const STDERR = 2

const field = (type: string, id: number) => ({ type, id })
const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id })

const statusType = protobuf.Root.fromJSON({
  nested: {
    StatusResponse: {
      fields: {
        vertexes: repeated('Vertex', 1),
        statuses: repeated('VertexStatus', 2),
        logs: repeated('VertexLog', 3),
        warnings: repeated('VertexWarning', 4),
      },
    },
    Vertex: {
      fields: {
        digest: field('string', 1),
        name: field('string', 3),
        cached: field('bool', 4),
        started: field('Timestamp', 5),
        completed: field('Timestamp', 6),
        error: field('string', 7),
      },
    },
    VertexStatus: {
      fields: {
        ID: field('string', 1),
        vertex: field('string', 2),
        current: field('int64', 4),
        total: field('int64', 5),
      },
    },
    VertexLog: { fields: { vertex: field('string', 1), stream: field('int64', 3), msg: field('bytes', 4) } },
    VertexWarning: { fields: { vertex: field('string', 1), short: field('bytes', 3) } },
    Timestamp: { fields: { seconds: field('int64', 1), nanos: field('int32', 2) } },
  },
}).lookupType('StatusResponse')

const timestamp = z
  .object({ seconds: z.number(), nanos: z.number() })
  .nullish()
  .transform((time) => (time ? time.seconds * 1000 + time.nanos / 1_000_000 : undefined))

const statusMessage = z.object({
  vertexes: z.array(
    z.object({
      digest: z.string(),
      name: z.string(),
      cached: z.boolean(),
      started: timestamp,
      completed: timestamp,
      error: z.string(),
    }),
  ),
  statuses: z.array(z.object({ ID: z.string(), vertex: z.string(), current: z.number(), total: z.number() })),
  logs: z.array(z.object({ vertex: z.string(), stream: z.number(), msg: z.instanceof(Uint8Array) })),
  warnings: z.array(z.object({ vertex: z.string(), short: z.instanceof(Uint8Array) })),
})
