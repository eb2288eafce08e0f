import { isAbsolute } from 'node:path'
import type { HostEndpoint, TlsFiles } from './server-config.ts'

export interface EndpointKeys {
  /** Null: an admin chose plain TCP knowingly, by `DOCKER_HOST`. */
  readonly tls?: TlsFiles | null | undefined
  readonly hostKey?: string | undefined
  /** Path of a private key. */
  readonly identity?: string | undefined
}

export type EndpointResult =
  | { readonly kind: 'ok'; readonly endpoint: HostEndpoint }
  /** `key` names what is missing beside the endpoint. */
  | { readonly kind: 'wrong'; readonly message: string; readonly key: 'tls' | 'host_key' | 'identity' | null }

export const ENDPOINT_FORM = 'unix:///path, tcp://host:port or ssh://user@host:port'
const TCP_PORT = 2376
const SSH_PORT = 22

/** The address of a Docker Engine, with the keys its kind needs. A bare absolute path is a socket. */
export function parseEndpoint(text: string, keys: EndpointKeys): EndpointResult {
  if (isAbsolute(text)) return { kind: 'ok', endpoint: { kind: 'unix', path: text } }
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'unix:' && url.hostname === '') || url.search !== '' || url.hash !== '')
    return wrong(`expected ${ENDPOINT_FORM}`)
  if (url.protocol === 'unix:') return unixEndpoint(url, text)
  if (url.protocol === 'tcp:') return tcpEndpoint(url, keys)
  return url.protocol === 'ssh:' ? sshEndpoint(url, keys) : wrong(`expected ${ENDPOINT_FORM}`)
}

function unixEndpoint(url: URL, text: string): EndpointResult {
  if (url.hostname !== '' || url.pathname.length < 2) return wrong('expected unix:///path, with three slashes')
  return { kind: 'ok', endpoint: { kind: 'unix', path: text.slice('unix://'.length) } }
}

function tcpEndpoint(url: URL, { tls }: EndpointKeys): EndpointResult {
  if (tls === undefined) return wrong('tcp:// needs tls: {ca, cert, key}', 'tls')
  return { kind: 'ok', endpoint: { kind: 'tcp', host: bareHost(url), port: Number(url.port || TCP_PORT), tls } }
}

function sshEndpoint(url: URL, { hostKey, identity }: EndpointKeys): EndpointResult {
  if (url.username === '' || url.password !== '') return wrong('expected ssh://user@host:port')
  if (hostKey === undefined) return wrong('ssh:// needs host_key, the public key of the host', 'host_key')
  if (identity === undefined) return wrong('ssh:// needs identity, the path of a private key', 'identity')
  const pinned = hostKey.split(' ').slice(0, 2).join(' ')
  return {
    kind: 'ok',
    endpoint: {
      kind: 'ssh',
      user: url.username,
      host: bareHost(url),
      port: Number(url.port || SSH_PORT),
      hostKey: pinned,
      identity,
    },
  }
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

function wrong(message: string, key: 'tls' | 'host_key' | 'identity' | null = null): EndpointResult {
  return { kind: 'wrong', message, key }
}
