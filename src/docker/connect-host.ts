/**
 * From an endpoint of server.yml to a host that can be used. Connections are kept and reused: a call over a kept unix
 * socket costs less than the work behind it, and over SSH one login carries every call (see ssh-connection.ts).
 */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import Docker from 'dockerode'
import { SlipwayError } from '../core/errors.ts'
import { dockerEngine } from './engine.ts'
import type { DockerEngine } from './engine.ts'
import { remoteShell } from './remote-shell.ts'
import type { RemoteShell } from './remote-shell.ts'
import { openSshConnection, sshAgent } from './ssh-connection.ts'

export interface DockerHostConfig {
  readonly name: string
  /** `unix:///path`, a bare path, `tcp://host:port` (needs `tls`) or `ssh://user@host:port[/path/of/docker.sock]`. */
  readonly endpoint: string
  /** Each a path or the PEM text itself. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } | undefined
  /** The one key the server may show, as in known_hosts without the name: `ssh-ed25519 AAAA...`. */
  readonly hostKey?: string | undefined
  /** Private key for SSH: a path or the key's text. */
  readonly identity?: string | undefined
}

export interface DockerHost {
  readonly name: string
  readonly engine: DockerEngine
  /** The Engine shares this machine's kernel: it is reached over a unix socket. */
  readonly local: boolean
  /** Commands and files on the machine itself; only hosts reached over SSH have it. */
  readonly shell: RemoteShell | undefined
  /** Ends kept connections. Streams that are still open break. */
  close(): void
}

const DEFAULT_SOCKET = '/var/run/docker.sock'
const DEFAULT_TLS_PORT = '2376'
const SSH_PORT = 22

export function connectDockerHost(config: DockerHostConfig): DockerHost {
  if (config.endpoint.startsWith('/')) return overSocket(config.name, config.endpoint)
  const url = endpointUrl(config)
  switch (url.protocol) {
    case 'unix:':
      return overSocket(config.name, decodeURIComponent(url.pathname) || DEFAULT_SOCKET)
    case 'tcp:':
    case 'https:':
      return overTls(config, url)
    case 'ssh:':
      return overSsh(config, url)
    default:
      throw invalid(config, 'must begin with unix://, tcp:// or ssh://')
  }
}

function overSocket(name: string, socketPath: string): DockerHost {
  const agent = new http.Agent({ keepAlive: true })
  // host and protocol are named because the modem fills what is left out from DOCKER_HOST of our environment.
  const options = { socketPath, host: undefined, protocol: 'http' as const, agent }
  return {
    name,
    engine: dockerEngine(name, new Docker(options)),
    local: true,
    shell: undefined,
    close: () => agent.destroy(),
  }
}

function overTls(config: DockerHostConfig, url: URL): DockerHost {
  if (config.tls === undefined) throw invalid(config, 'is reached over TCP and needs tls: {ca, cert, key}')
  const secrets = { ca: pem(config.tls.ca), cert: pem(config.tls.cert), key: pem(config.tls.key) }
  const agent = new https.Agent({ keepAlive: true, ...secrets, rejectUnauthorized: true })
  const options = {
    host: url.hostname,
    port: url.port || DEFAULT_TLS_PORT,
    protocol: 'https' as const,
    agent,
    ...secrets,
  }
  const engine = dockerEngine(config.name, new Docker(options))
  return { name: config.name, engine, local: false, shell: undefined, close: () => agent.destroy() }
}

function overSsh(config: DockerHostConfig, url: URL): DockerHost {
  if (config.hostKey === undefined)
    throw invalid(config, 'is reached over SSH and needs host_key, the key the server must show')
  if (config.identity === undefined)
    throw invalid(config, 'is reached over SSH and needs identity, the path of a private key')
  const ssh = openSshConnection({
    host: url.hostname,
    port: url.port === '' ? SSH_PORT : Number(url.port),
    username: decodeURIComponent(url.username) || 'root',
    hostKey: config.hostKey,
    privateKey: pem(config.identity),
  })
  const agent = sshAgent(ssh, url.pathname.length > 1 ? decodeURIComponent(url.pathname) : DEFAULT_SOCKET)
  // The name is only the Host header; the agent decides where the bytes go.
  const options = { host: 'docker', port: 80, protocol: 'http' as const, agent }
  return {
    name: config.name,
    engine: dockerEngine(config.name, new Docker(options)),
    local: false,
    shell: remoteShell(ssh),
    close: () => {
      agent.destroy()
      ssh.close()
    },
  }
}

function endpointUrl(config: DockerHostConfig): URL {
  if (!URL.canParse(config.endpoint)) throw invalid(config, 'is not an address')
  return new URL(config.endpoint)
}

/** Key material is given as text or as a path; text is told by its first line. */
function pem(value: string): string {
  return value.includes('-----BEGIN') ? value : readFileSync(value, 'utf8')
}

function invalid(config: DockerHostConfig, problem: string): SlipwayError {
  return new SlipwayError('config_invalid', `endpoint ${config.endpoint} of host ${config.name} ${problem}`, {
    field: `hosts.${config.name}.endpoint`,
  })
}
