/** WebSockets carry logs and nothing else. A page of another origin is refused, since browsers ask nobody. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { endStatus, firstLine, logLines, PING_INTERVAL_MS, wireLine, type LogStreamDeps } from './log-stream.ts'

/** Bytes that may wait in a connection; a viewer that does not read waits for itself. */
const MAX_BUFFERED_BYTES = 1024 * 1024
const DRAIN_LOOK_MS = 20
/** A client has nothing to tell us. */
const MAX_MESSAGE_BYTES = 4 * 1024

export interface LogUpgradeDeps extends LogStreamDeps {
  /** The run that a path, an authorization header and a ticket may read; else the HTTP status of the refusal. */
  readonly admit: (request: {
    readonly url: URL
    readonly authorization: string | undefined
    readonly address: string
  }) => Promise<
    | { readonly kind: 'ok'; readonly runId: string }
    | { readonly kind: 'refused'; readonly status: 400 | 401 | 403 | 404 | 429 }
  >
  readonly baseUrl: string
  readonly logger: Logger
}

/** For the server's `upgrade` event. */
export function createLogUpgrade(
  deps: LogUpgradeDeps,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    void upgrade(deps, sockets, request, socket, head).catch((error: unknown) => {
      deps.logger.warn({ err: errorMessage(error) }, 'a log stream could not be opened')
      refuse(socket, 500)
    })
  }
}

async function upgrade(
  deps: LogUpgradeDeps,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://slipway')
  const { origin, authorization } = request.headers
  if (origin !== undefined && origin !== new URL(deps.baseUrl).origin) return refuse(socket, 403)
  const from = firstLine(url.searchParams.get('from') ?? undefined, single(request.headers['last-event-id']))
  if (from === null) return refuse(socket, 400)
  const admitted = await deps.admit({ url, authorization, address: request.socket.remoteAddress ?? '' })
  if (admitted.kind === 'refused') return refuse(socket, admitted.status)
  sockets.handleUpgrade(request, socket, head, (client) => {
    void send(deps, client, admitted.runId, from).catch((error: unknown) => {
      deps.logger.warn({ runId: admitted.runId, err: errorMessage(error) }, 'a log stream broke')
      client.close(1011)
    })
  })
}

async function send(deps: LogUpgradeDeps, client: WebSocket, runId: string, from: number): Promise<void> {
  const gone = new AbortController()
  let isAlive = true
  client.on('close', () => gone.abort())
  client.on('error', () => gone.abort())
  client.on('pong', () => {
    isAlive = true
  })
  const ping = setInterval(() => {
    if (!isAlive) return client.terminate()
    isAlive = false
    client.ping()
  }, PING_INTERVAL_MS)
  try {
    for await (const lines of logLines(deps, { runId, from, follow: true, signal: gone.signal })) {
      for (const line of lines) {
        client.send(JSON.stringify(wireLine(line)))
        await drained(client, gone.signal)
      }
    }
    if (gone.signal.aborted) return
    client.send(JSON.stringify({ end: true, status: await endStatus(deps, runId) }))
    client.close(1000)
  } finally {
    clearInterval(ping)
  }
}

async function drained(client: WebSocket, signal: AbortSignal): Promise<void> {
  while (client.bufferedAmount > MAX_BUFFERED_BYTES && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS))
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
