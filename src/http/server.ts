/**
 * The one HTTP server. Webhooks take the shortest way (raw request, no framework); everything else is Hono; upgrades
 * belong to the log stream. Streams that are open for long are known here, so that stopping can end them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { SlipwayError } from '../core/errors.ts'

/** A client that has not sent its headers by then is not going to. */
const HEADERS_TIMEOUT_MS = 30_000
/** The longest honest request is a reservation that waits ten minutes. */
const REQUEST_TIMEOUT_MS = 11 * 60_000
/** Longer than the idle time of common proxies, so that it is never we who close a connection they still use. */
const KEEP_ALIVE_MS = 75_000

export interface HttpServerOptions {
  readonly webhookPath: string
  readonly onWebhook: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  readonly fetch: (
    request: Request,
    env: { incoming: IncomingMessage; outgoing: ServerResponse },
  ) => Response | Promise<Response>
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface HttpServer {
  readonly port: number
  /** Takes no more connections, lets running requests end for `graceMs`, then closes what is left (streams). */
  stop(graceMs: number): Promise<void>
}

export async function startHttpServer(
  options: HttpServerOptions,
  port: number,
  host: string | null,
): Promise<HttpServer> {
  const listener = getRequestListener(
    (request, env) => options.fetch(request, env as { incoming: IncomingMessage; outgoing: ServerResponse }),
    { overrideGlobalObjects: false },
  )
  const server = createServer((request, response) => {
    if (pathOf(request) === options.webhookPath && request.method === 'POST') void options.onWebhook(request, response)
    else void listener(request, response)
  })
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.on('upgrade', options.onUpgrade)
  await listen(server, port, host)
  return {
    port: (server.address() as AddressInfo).port,
    async stop(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/'
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

async function listen(server: Server, port: number, host: string | null): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port)))
    server.listen(port, host ?? undefined, resolve)
  })
}

function listenError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new SlipwayError(
      'setting_invalid',
      `PORT ${port} is taken by another program; stop it or set PORT to a free port`,
      { field: 'PORT' },
    )
  }
  if (error.code === 'EACCES') {
    return new SlipwayError('setting_invalid', `PORT ${port} may not be opened by this user; choose one above 1023`, {
      field: 'PORT',
    })
  }
  return error
}
