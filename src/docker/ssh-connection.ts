/**
 * One SSH login a host, shared by everything.
 *
 * The usual transport logs in once a request: hundreds of milliseconds each, and thirty at once run into the server's
 * limit on unfinished logins. Here the first caller opens the connection, callers that come meanwhile wait for the same
 * one, and every Engine call is a channel of it, forwarded to the Engine's socket. When the connection ends, by an
 * error, a missed keepalive or the server's restart, it is forgotten and the next caller opens another; requests in
 * flight fail and are the caller's to repeat.
 *
 * The server's key must be the pinned one. There is no trust on first use: without the key no byte is sent.
 */
import { timingSafeEqual } from 'node:crypto'
import http from 'node:http'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import type { Client, ServerHostKeyAlgorithm } from 'ssh2'
import { SlipwayError, errorMessage } from '../core/errors.ts'

export interface SshTarget {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly hostKey: string
  readonly privateKey: string
}

export interface SshConnection {
  /** The logged-in connection, opened when there is none. */
  client(): Promise<Client>
  close(): void
}

/** A login takes well under a second; a host that needs longer is down or behind a firewall that drops packets. */
const LOGIN_TIMEOUT_MS = 15_000
/** A connection that died silently is noticed after three of these. */
const KEEPALIVE_INTERVAL_MS = 10_000
const KEEPALIVE_MISSES = 3

export function openSshConnection(target: SshTarget): SshConnection {
  let current: Promise<Client> | undefined
  let closed = false
  const forget = (ended: Promise<Client>): void => {
    if (current === ended) current = undefined
  }
  const client = (): Promise<Client> => {
    if (closed) return Promise.reject(new Error('the connection to the Docker host has been closed'))
    if (current !== undefined) return current
    const opening = logIn(target, () => forget(opening))
    opening.catch(() => forget(opening))
    current = opening
    return opening
  }
  return {
    client,
    close: () => {
      closed = true
      current?.then(
        (open) => open.end(),
        () => undefined,
      )
      current = undefined
    },
  }
}

/** An agent for node:http whose sockets are channels to a unix socket on the other side. */
export function sshAgent(ssh: SshConnection, socketPath: string): http.Agent {
  const open = async (): Promise<Duplex> => {
    const client = await ssh.client()
    const channel = await new Promise<Duplex>((resolve, reject) => {
      client.openssh_forwardOutStreamLocal(socketPath, (error, stream) =>
        error === undefined ? resolve(stream) : reject(error),
      )
    })
    // A channel that nobody reads does not notice the end of its connection by itself.
    const end = (): void => void channel.destroy(new Error('the SSH connection ended'))
    client.once('close', end)
    channel.once('close', () => client.off('close', end))
    return likeSocket(channel)
  }
  const createConnection = (_options: unknown, done: (error: Error | null, stream?: Duplex) => void): void => {
    open().then(
      (stream) => done(null, stream),
      (thrown: unknown) => done(new Error(`SSH: ${errorMessage(thrown)}`, { cause: thrown })),
    )
  }
  // A channel for each request: opening one costs a round trip, and node:http stalls when it takes a used one up again.
  return Object.assign(new http.Agent({ keepAlive: false }), { createConnection })
}

function logIn(target: SshTarget, onEnd: () => void): Promise<Client> {
  const pinned = parseHostKey(target.hostKey)
  const client = new ssh2.Client()
  // Every channel listens for the end of the connection, and there may be hundreds.
  client.setMaxListeners(0)
  let refusedKey = false
  return new Promise((resolve, reject) => {
    client.on('ready', () => {
      // Requests are small and wait for their answers; joining them into larger packets costs 40 ms each.
      client.setNoDelay(true)
      resolve(client)
    })
    client.on('error', (error) => {
      onEnd()
      reject(refusedKey ? new Error(`the server at ${target.host} shows another host key than the pinned one`) : error)
    })
    client.on('close', () => {
      onEnd()
      reject(new Error('the server closed the connection'))
    })
    client.connect({
      host: target.host,
      port: target.port,
      username: target.username,
      privateKey: target.privateKey,
      readyTimeout: LOGIN_TIMEOUT_MS,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: KEEPALIVE_MISSES,
      // A server has keys of several kinds; ask for the pinned kind, or it may show another one of its own.
      algorithms: { serverHostKey: pinned.algorithms },
      hostVerifier: (shown: Buffer) => {
        const same = shown.length === pinned.blob.length && timingSafeEqual(shown, pinned.blob)
        refusedKey = !same
        return same
      },
    })
  })
}

const SIGNATURES_OF_KEY: Readonly<Record<string, ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}

function parseHostKey(text: string): { readonly algorithms: ServerHostKeyAlgorithm[]; readonly blob: Buffer } {
  const [type = '', base64 = ''] = text.trim().split(/\s+/)
  const algorithms = SIGNATURES_OF_KEY[type]
  const blob = Buffer.from(base64, 'base64')
  if (algorithms === undefined || blob.length < 32) {
    throw new SlipwayError('config_invalid', `host_key is not a public key of the form "ssh-ed25519 AAAA..."`, {
      field: 'host_key',
    })
  }
  return { algorithms, blob }
}

/** node:http calls these on its sockets; a channel has no timers or buffers of its own to set. */
function likeSocket(channel: Duplex): Duplex {
  const ignore = (): Duplex => channel
  return Object.assign(channel, {
    setKeepAlive: ignore,
    setNoDelay: ignore,
    setTimeout: ignore,
    ref: ignore,
    unref: ignore,
  })
}
