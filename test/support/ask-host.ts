import http from 'node:http'

/** One request to a port of this machine under any host name; a connection that fails is status 0. */
export function askHost(
  port: number,
  host: string,
  path: string,
  agent?: http.Agent,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve) => {
    const request = http.get({ port, host: '127.0.0.1', path, headers: { host }, agent, timeout: 20_000 }, (answer) => {
      let body = ''
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
      answer.on('error', (error) => resolve({ status: 0, body: error.message }))
    })
    request.on('timeout', () => request.destroy(new Error('no answer')))
    request.on('error', (error) => resolve({ status: 0, body: error.message }))
  })
}
