/** Sends each HTTP request to the part that answers it: control, git, log-in, REST, pages. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { serveControl } from './control/serve-control.ts'
import { serveGit } from './git/serve-git.ts'
import { serveLogin } from './login/serve-login.ts'
import { servePage } from './pages/serve-page.ts'
import type { Answer } from './rest/answer.ts'
import { serveRest } from './rest/serve-rest.ts'
import { recordProblem } from './world/record-problem.ts'
import type { World } from './world/world.ts'

/** Larger than any request GitHub takes, a blob of 100 MB aside. Bytes. */
const maxBody = 32 * 1024 * 1024

export async function serveRequest(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const url = new URL(request.url ?? '/', world.origin)
    if (await serveGit(world, request, response, url)) return
    const answer = await route(world, request, url)
    if (answer === 'cut') response.destroy()
    else write(response, answer, request.method === 'HEAD')
  } catch (error) {
    if (world.closing.signal.aborted) {
      response.destroy()
      return
    }
    recordProblem(
      world,
      'internal',
      `${request.method ?? ''} ${request.url ?? ''}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
    if (!response.headersSent) write(response, { status: 500, body: { message: 'The simulated GitHub failed' } }, false)
    else response.destroy()
  }
}

async function route(world: World, request: IncomingMessage, url: URL): Promise<Answer | 'cut'> {
  const method = request.method ?? 'GET'
  const body = await readBody(request)
  const { authorization } = request.headers
  if (url.pathname.startsWith('/_/')) return serveControl(world, { method, url, authorization, body })
  const login = serveLogin(world, {
    method,
    url,
    body,
    accept: request.headers.accept ?? '',
    contentType: request.headers['content-type'] ?? '',
  })
  if (login !== undefined) return login
  const prefixed = url.pathname.startsWith('/api/v3/') || url.pathname === '/api/v3'
  const path = prefixed ? url.pathname.slice('/api/v3'.length) : url.pathname
  if (!prefixed && method === 'GET' && authorization === undefined) {
    const page = await servePage(world, url)
    if (page !== undefined) return page
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
  return serveRest(world, { method: method === 'HEAD' ? 'GET' : method, path, url, headers, body })
}

function write(response: ServerResponse, answer: Answer, headOnly: boolean): void {
  const content = answer.raw ?? (answer.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(answer.body)))
  response.writeHead(answer.status, {
    ...(answer.raw === undefined && answer.body !== undefined
      ? { 'content-type': 'application/json; charset=utf-8' }
      : {}),
    'x-github-request-id': 'simulated',
    // These two have no body by definition; a length would speak of the one they stand for.
    ...(answer.status === 204 || answer.status === 304 ? {} : { 'content-length': content.length }),
    ...answer.headers,
  })
  response.end(headOnly ? undefined : content)
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > maxBody) throw new Error('a request body is too large')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}
