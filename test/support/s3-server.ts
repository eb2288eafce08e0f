import http from 'node:http'
import type { AddressInfo } from 'node:net'

export interface S3Server {
  readonly url: string
  readonly objects: Map<string, Buffer>
  close(): Promise<void>
}

/** As much of S3's protocol as a store of immutable objects needs: PUT, GET with Range, HEAD, DELETE, path style. */
export async function startS3Server(): Promise<S3Server> {
  const objects = new Map<string, Buffer>()
  const server = http.createServer((request, response) => {
    const key = new URL(request.url ?? '/', 'http://s3').pathname
    if (!(request.headers.authorization ?? '').startsWith('AWS4-HMAC-SHA256 Credential=the-key/'))
      return void response.writeHead(403).end()
    if (request.method === 'PUT') {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        objects.set(key, Buffer.concat(chunks))
        response.writeHead(200, { etag: '"stored"' }).end()
      })
      return
    }
    const found = objects.get(key)
    if (request.method === 'DELETE') {
      objects.delete(key)
      return void response.writeHead(204).end()
    }
    if (found === undefined) {
      const body = '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>'
      return void response
        .writeHead(404, { 'content-type': 'application/xml' })
        .end(request.method === 'HEAD' ? undefined : body)
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    const [start, end] = range === null ? [0, found.length - 1] : [Number(range[1]), Number(range[2])]
    const body = found.subarray(start, end + 1)
    response.writeHead(range === null ? 200 : 206, {
      'content-length': body.length,
      ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${found.length}` }),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://the-key:the%2Fsecret@127.0.0.1:${(server.address() as AddressInfo).port}/bucket/slipway?region=eu-1`,
    objects,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
