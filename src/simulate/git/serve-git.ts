/**
 * git over smart HTTP: every request is handed to `git http-backend`, and a push is announced by the refs it changed.
 *
 * Reading a public repository needs no credential; everything else takes a token as the basic password, an
 * installation's, a person's, or the control token with the person's name as user.
 */
import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import { allows } from '../rest/authorize.ts'
import { authenticate, readCredential } from '../rest/authenticate.ts'
import { refusedAnswer } from '../rest/answer.ts'
import type { Caller } from '../rest/call.ts'
import { maySee, reaches } from '../rest/call.ts'
import { changeRefs } from '../webhooks/change-refs.ts'
import { botAccount, ensureAccount } from '../world/accounts.ts'
import { takeRestFault } from '../world/faults.ts'
import { findRepository, mayPush, roleOf } from '../world/find-repository.ts'
import type { Account } from '../world/identities.ts'
import type { Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import { gitEnvironment } from './run-git.ts'

const route = /^\/([^/]+)\/([^/]+?)(?:\.git)?(\/info\/refs|\/git-upload-pack|\/git-receive-pack|\/HEAD|\/objects\/.+)$/

/** False when the path is none of git's. */
export async function serveGit(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const [, owner, name, rest] = route.exec(url.pathname) ?? []
  if (owner === undefined || name === undefined || rest === undefined) return false
  const fault = takeRestFault(world.restFaults, {
    method: request.method ?? 'GET',
    path: url.pathname,
    operation: 'git',
  })
  if (fault?.kind === 'delay') await sleep(fault.milliseconds, undefined, { signal: world.closing.signal })
  else if (fault?.kind === 'reset') {
    response.destroy()
    return true
  } else if (fault !== undefined) {
    response.writeHead(fault.status).end('A planted fault\n')
    return true
  }
  const repository = findRepository(world, owner, name)
  const pushing = rest === '/git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack'
  const access = decideAccess(world, request.headers.authorization, repository, pushing)
  if (typeof access === 'number' || repository === undefined) {
    const status = typeof access === 'number' ? access : 404
    response.writeHead(status, status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {})
    response.end(status === 401 ? 'Authentication required\n' : 'Repository not found.\n')
    return true
  }
  const run = () => runBackend(world, repository, { request, response, url, rest, user: access.login })
  // The pusher hears the end only when the new refs are known here, so that what they ask next is answered right.
  if (rest === '/git-receive-pack') await changeRefs(world, repository, access, run)
  else await run()
  response.end()
  return true
}

/** Who acts, or the status that refuses. */
function decideAccess(
  world: World,
  authorization: string | undefined,
  repository: Repository | undefined,
  pushing: boolean,
): Account | 401 | 403 | 404 {
  if (authorization !== undefined && readCredential(authorization) === world.controlToken) {
    const user = Buffer.from(authorization.split(' ')[1] ?? '', 'base64')
      .toString()
      .split(':')[0]
    return ensureAccount(world, user === undefined || user === '' ? 'pusher' : user)
  }
  let caller: Caller
  try {
    caller = authenticate(world, authorization)
  } catch (error) {
    if (refusedAnswer(error) === undefined) throw error
    return 401
  }
  const anonymous = caller.kind === 'anonymous' || caller.kind === 'app'
  if (repository === undefined || !maySee(world, caller, repository)) return anonymous ? 401 : 404
  if (caller.kind === 'installation') {
    const allowed =
      (!pushing && !repository.private) ||
      (reaches(caller, repository) && allows(caller.token.permissions, 'contents', pushing ? 'write' : 'read'))
    return allowed ? botAccount(world) : 403
  }
  if (caller.kind === 'user') return !pushing || mayPush(roleOf(world, repository, caller.user.id)) ? caller.user : 403
  return pushing ? 401 : ensureAccount(world, 'ghost')
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly rest: string
  readonly user: string
}

/** Speaks CGI with `git http-backend`; resolves when git has ended; the answer is left open. */
function runBackend(
  world: World,
  repository: Repository,
  { request, response, url, rest, user }: Exchange,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['http-backend'], {
      env: {
        ...gitEnvironment(),
        GIT_PROJECT_ROOT: repository.directory,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: rest,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        REMOTE_USER: user,
        REMOTE_ADDR: '127.0.0.1',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
      signal: world.closing.signal,
    })
    const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request
    // A client that hangs up, or git that has read enough: the exit of the child settles both.
    body.on('error', () => child.kill())
    child.stdin.on('error', () => undefined)
    body.pipe(child.stdin)
    let head = Buffer.alloc(0)
    child.stdout.on('data', (chunk: Buffer) => {
      if (response.headersSent) {
        response.write(chunk)
        return
      }
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      writeHead(response, head.subarray(0, end).toString())
      response.write(head.subarray(end + 4))
    })
    child.on('error', reject)
    child.on('close', () => {
      if (!response.headersSent) response.writeHead(500)
      resolve()
    })
  })
}

function writeHead(response: ServerResponse, head: string): void {
  const headers = head.split('\r\n').map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  const status = headers.find(([name]) => name === 'status')?.[1]
  response.writeHead(
    Number(status?.slice(0, 3) ?? 200),
    Object.fromEntries(headers.filter(([name]) => name !== 'status')),
  )
}
