import type { ConfigFault } from './config-source.ts'
import { sameSecret } from './resolve-server-config.ts'
import type { HostConfig, PoolConfig, RepositoryRule, ServerConfig, TokenConfig } from './server-config.ts'
import { didYouMean } from './suggest.ts'
import type { KeyPath } from './yaml-reading.ts'

/** What the schema of server.yml cannot see: names that refer to nothing, doubles, limits that contradict each other. */
export function checkServerConfig(config: ServerConfig): readonly ConfigFault[] {
  const hosts = config.hosts.map((host) => host.name)
  const pools = config.pools.map((pool) => pool.name)
  return [
    ...config.hosts.flatMap(hostFaults),
    ...config.pools.flatMap((pool, index) => poolFaults(pool, config.pools.slice(0, index))),
    ...config.repositories.flatMap((rule) => ruleFaults(rule, hosts, pools)),
    ...config.tokens.flatMap((token, index) => tokenFaults(token, index, config.tokens.slice(0, index), pools)),
  ]
}

function hostFaults(host: HostConfig): readonly ConfigFault[] {
  if (host.proxy.https === null || host.proxy.certificates !== null) return []
  return [
    {
      path: ['hosts', host.name, 'proxy', 'https'],
      message: 'https needs certificates',
      hint: 'add certificates: FOLDER',
    },
  ]
}

function poolFaults(pool: PoolConfig, earlier: readonly PoolConfig[]): readonly ConfigFault[] {
  const path = ['pools', pool.name]
  const faults: ConfigFault[] = []
  if (pool.timeoutMs > pool.maxTimeoutMs) {
    faults.push({ path: [...path, 'timeout'], message: 'longer than max_timeout', hint: 'raise max_timeout' })
  }
  const taken = new Set(earlier.flatMap((other) => other.instances.map((instance) => instance.domain)))
  for (const [index, { domain }] of pool.instances.entries()) {
    if (taken.has(domain)) {
      faults.push({
        path: [...path, 'instances', index, 'domain'],
        message: `${domain} stands twice`,
        hint: 'an instance belongs to one pool, once',
      })
    }
    taken.add(domain)
  }
  return faults
}

function ruleFaults(rule: RepositoryRule, hosts: readonly string[], pools: readonly string[]): readonly ConfigFault[] {
  const path = ['repositories', rule.pattern]
  return [
    ...unknownNames(rule.hosts ?? [], hosts, [...path, 'hosts'], 'host'),
    ...unknownNames(rule.pools, pools, [...path, 'pools'], 'pool'),
  ]
}

function tokenFaults(
  token: TokenConfig,
  index: number,
  earlier: readonly TokenConfig[],
  pools: readonly string[],
): readonly ConfigFault[] {
  const path = ['tokens', index]
  const faults = [...unknownNames(token.pools ?? [], pools, [...path, 'pools'], 'pool')]
  if (earlier.some((other) => other.name === token.name)) {
    faults.push({
      path: [...path, 'name'],
      message: `another token is called ${token.name}`,
      hint: 'rename one of them',
    })
  }
  if (earlier.some((other) => sameSecret(other.token, token.token))) {
    faults.push({ path: [...path, 'token'], message: 'another entry has the same token', hint: 'give each its own' })
  }
  return faults
}

function unknownNames(names: readonly string[], known: readonly string[], path: KeyPath, kind: string): ConfigFault[] {
  return names.flatMap((name, index) =>
    known.includes(name)
      ? []
      : [{ path: [...path, index], message: `there is no ${kind} ${name}`, hint: didYouMean(name, known) }],
  )
}
