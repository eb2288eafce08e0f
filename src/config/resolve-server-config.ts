import { dirname, resolve } from 'node:path'
import { reveal, secretOf, type Secret } from '../core/secret.ts'
import type { ConfigFault } from './config-source.ts'
import { parseEndpoint } from './parse-endpoint.ts'
import type { HostConfig, HostEndpoint, PoolConfig, RepositoryRule, ServerConfig } from './server-config.ts'
import type { WrittenHost, WrittenPool, WrittenRule, WrittenServer } from './server-schema.ts'

interface Context {
  readonly file: string
  readonly dockerHost: HostEndpoint
}

interface Resolved {
  readonly config: ServerConfig
  /** Endpoints that cannot be understood or lack a key. */
  readonly faults: readonly ConfigFault[]
}

export function resolveServerConfig(written: WrittenServer, context: Context): Resolved {
  const hosts = Object.entries(written.hosts ?? {}).map(([name, host]) => resolveHost(name, host, context))
  const config: ServerConfig = {
    admins: written.admins.map((login) => login.toLowerCase()),
    hosts: hosts.length > 0 ? hosts.map(({ host }) => host) : [defaultHost(context.dockerHost)],
    pools: Object.entries(written.pools).map(([name, pool]) => resolvePool(name, pool)),
    repositories: Object.entries(written.repositories).map(([pattern, rule]) => resolveRule(pattern, rule)),
    registries: Object.entries(written.registries).map(([host, login]) => ({
      host,
      username: login.username,
      password: secretOf(login.password),
    })),
    tokens: written.tokens.map((token) => ({
      name: token.name,
      scope: token.scope,
      token: secretOf(token.token),
      pools: token.pools ?? null,
    })),
  }
  return { config, faults: hosts.flatMap(({ fault }) => fault ?? []) }
}

function defaultHost(endpoint: HostEndpoint): HostConfig {
  return {
    name: 'default',
    endpoint,
    platforms: ['linux/amd64'],
    proxy: { image: 'haproxy:lts', http: 8080, https: null, certificates: null },
    unikernel: null,
    builds: true,
    deploys: true,
    maxConcurrent: 2,
  }
}

/** A wrong endpoint keeps the place of the right one, so that every other check still runs. */
const NO_ENDPOINT: HostEndpoint = { kind: 'unix', path: '/' }

function resolveHost(
  name: string,
  written: WrittenHost,
  { file }: Context,
): { readonly host: HostConfig; readonly fault: ConfigFault | null } {
  const beside = (path: string): string => resolve(dirname(file), path)
  const parsed = parseEndpoint(written.endpoint, {
    tls: written.tls && { ca: beside(written.tls.ca), cert: beside(written.tls.cert), key: beside(written.tls.key) },
    hostKey: written.host_key,
    identity: written.identity && beside(written.identity),
  })
  const host: HostConfig = {
    name,
    endpoint: parsed.kind === 'ok' ? parsed.endpoint : NO_ENDPOINT,
    platforms: written.platforms,
    proxy: {
      image: written.proxy.image,
      http: written.proxy.http,
      https: written.proxy.https ?? null,
      certificates: written.proxy.certificates ?? null,
    },
    unikernel: written.unikernel ?? null,
    builds: written.builds,
    deploys: written.deploys,
    maxConcurrent: written.max_concurrent,
  }
  if (parsed.kind === 'ok') return { host, fault: null }
  const hint = parsed.key === null ? 'for example unix:///var/run/docker.sock' : `add ${parsed.key} to this host`
  return { host, fault: { path: ['hosts', name, 'endpoint'], message: parsed.message, hint } }
}

function resolvePool(name: string, written: WrittenPool): PoolConfig {
  const { cleaning, health } = written
  return {
    name,
    timeoutMs: written.timeout,
    maxTimeoutMs: written.max_timeout,
    cleaning:
      cleaning === undefined
        ? null
        : { image: cleaning.image, commands: cleaning.commands, timeoutMs: cleaning.timeout },
    health: health === undefined ? null : { path: health.path, timeoutMs: health.timeout },
    instances: written.instances.map((instance) => ({
      domain: instance.domain,
      token: secretOf(instance.token),
      labels: instance.labels,
    })),
  }
}

function resolveRule(pattern: string, written: WrittenRule): RepositoryRule {
  return {
    pattern,
    hosts: written.hosts ?? null,
    deployBranches: written.deploy_branches,
    pools: written.pools,
    forkPullRequests: written.fork_pull_requests,
    maxConcurrent: written.max_concurrent,
    limits: {
      memoryBytes: written.limits.memory,
      cpus: written.limits.cpus,
      pids: written.limits.pids,
      timeoutMs: written.limits.timeout,
      logBytes: written.limits.log,
    },
    freeze: written.freeze.map((window) => ({
      cron: window.cron,
      durationMs: window.duration,
      tz: window.tz,
      reason: window.reason,
    })),
    requireApproval: written.require_approval,
    secrets: Object.fromEntries(
      Object.entries(written.secrets).map(([name, text]): [string, Secret] => [name, secretOf(text)]),
    ),
  }
}

/** Whether two tokens are the same text, for finding doubles in the file. */
export function sameSecret(a: Secret, b: Secret): boolean {
  return reveal(a) === reveal(b)
}
