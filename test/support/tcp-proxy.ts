/** A TCP proxy that breaks on command, for tests of what happens when the line to a server does. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'

export type ProxyTarget = { readonly host: string; readonly port: number } | { readonly path: string }

export interface TcpProxy {
  readonly port: number
  /** Breaks every connection there is; new ones work. */
  cut(): void
  /** Breaks every connection, and each new one at once, until `heal`. */
  refuse(): void
  /** Keeps connections open and carries nothing either way, until `heal`. */
  stall(): void
  /** Carries again; what was sent during a stall arrives now. */
  heal(): void
  stop(): Promise<void>
}

/** Listens on a free port of this machine, or on a Unix socket at `socketPath`. */
export async function startTcpProxy(target: ProxyTarget, socketPath?: string): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let mode: 'carry' | 'refuse' | 'stall' = 'carry'

  const server = createServer((client) => {
    if (mode === 'refuse') {
      reset(client)
      return
    }
    const upstream = connect(target)
    const pair = [client, upstream] as const
    pairs.add(pair)
    for (const side of pair) {
      side.on('error', () => undefined)
      side.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    if (mode === 'carry') join(pair)
  })
  if (socketPath === undefined) server.listen(0, '127.0.0.1')
  else server.listen(socketPath)
  await once(server, 'listening')
  const address = server.address()
  if (address === null) throw new Error('the proxy listens on nothing')

  const cut = (): void => {
    for (const [client, upstream] of pairs) {
      reset(client)
      upstream.destroy()
    }
  }
  return {
    port: typeof address === 'string' ? 0 : address.port,
    cut,
    refuse: () => {
      mode = 'refuse'
      cut()
    },
    stall: () => {
      mode = 'stall'
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream).pause()
        upstream.unpipe(client).pause()
      }
    },
    heal: () => {
      if (mode === 'stall') pairs.forEach(join)
      mode = 'carry'
    },
    stop: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A Unix socket knows no reset; it just ends. */
function reset(client: Socket): void {
  if (client.remoteAddress === undefined) client.destroy()
  else client.resetAndDestroy()
}

function join([client, upstream]: readonly [Socket, Socket]): void {
  client.pipe(upstream)
  upstream.pipe(client)
}
