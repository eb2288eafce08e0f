/**
 * Refuses bodies above a limit: by their announced length where there is one, else while they arrive. (Hono's own
 * middleware makes a new `Request` out of the server's, which only works where the server replaces the global one.)
 */
import type { Context } from 'hono'

/** True when the body is too large. A body without an announced length is read here and kept for the route. */
export async function isBodyTooLarge(context: Context, maxBytes: number): Promise<boolean> {
  const announced = context.req.header('content-length')
  if (announced !== undefined) return Number(announced) > maxBytes
  if (context.req.header('transfer-encoding') === undefined) return false
  const body = await readUpTo(context.req.raw.body, maxBytes)
  if (body === null) return true
  // Hono keeps promises here, although its types name what they resolve to.
  Object.assign(context.req.bodyCache, { arrayBuffer: Promise.resolve(body) })
  return false
}

/** Null when there is more. */
async function readUpTo(stream: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<ArrayBuffer | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  if (stream !== null) {
    for await (const chunk of stream) {
      length += chunk.byteLength
      if (length > maxBytes) return null
      chunks.push(chunk)
    }
  }
  const body = new Uint8Array(length)
  chunks.reduce((offset, chunk) => {
    body.set(chunk, offset)
    return offset + chunk.byteLength
  }, 0)
  return body.buffer
}
