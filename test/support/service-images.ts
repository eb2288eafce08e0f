/** Small images that behave as a service can behave, made of busybox; equal ones are made once. */
import { spawn } from 'node:child_process'

export type Behaviour =
  /** Answers 200 on /up and its version on /. */
  | 'good'
  /** Listens, but its health check fails. */
  | 'unhealthy'
  /** Ends at once with exit code 3 and a line on stderr. */
  | 'crash'
  /** Is healthy for two seconds, then ends with exit code 4. */
  | 'crash-later'

const LISTEN = 'exec httpd -f -p 8080 -h /www'
const COMMANDS: Readonly<Record<Behaviour, string>> = {
  good: LISTEN,
  unhealthy: `rm /www/up; ${LISTEN}`,
  crash: 'echo "cannot read the configuration" >&2; exit 3',
  'crash-later': 'httpd -p 8080 -h /www; sleep 2; echo "out of luck" >&2; exit 4',
}

/** Returns the image's id. */
export function serviceImage(behaviour: Behaviour, version: string): Promise<string> {
  return buildImage(`FROM busybox:latest
RUN mkdir -p /www && echo ok > /www/up && echo ${version} > /www/index.html
STOPSIGNAL SIGKILL
CMD ["sh", "-c", ${JSON.stringify(COMMANDS[behaviour])}]
`)
}

export function buildImage(dockerfile: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const build = spawn('docker', ['build', '--quiet', '--force-rm', '-'], {
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
    })
    let output = ''
    build.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    build.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    build.on('error', reject)
    build.on('close', (code) => {
      const id = /sha256:[0-9a-f]{64}/.exec(output)?.[0]
      if (code === 0 && id !== undefined) resolve(id)
      else reject(new Error(`docker build failed: ${output}`))
    })
    build.stdin.end(dockerfile)
  })
}

/** A Node server that keeps connections open, takes 20 ms for an answer, echoes upgraded connections, and ends at once on SIGTERM. */
export function busyServerImage(version: string): Promise<string> {
  const server = [
    `const answer = (request, response) => setTimeout(() => response.end(${JSON.stringify(version)}), request.url === '/up' ? 0 : 20)`,
    `const server = require('node:http').createServer(answer)`,
    'server.keepAliveTimeout = 60000',
    `const accept = (key) => require('node:crypto').createHash('sha1').update(key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')`,
    `const switching = (key) => ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Accept: ' + accept(key), '', '']`,
    `server.on('upgrade', (request, socket) => { socket.write(switching(request.headers['sec-websocket-key']).join(String.fromCharCode(13, 10))); socket.pipe(socket) })`,
    'server.listen(8080)',
    `process.on('SIGTERM', () => process.exit(0))`,
  ].join('; ')
  return buildImage(`FROM node:20\nCMD ["node", "-e", ${JSON.stringify(server)}]\n`)
}
