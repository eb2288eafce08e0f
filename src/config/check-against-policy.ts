import type { ConfigProblem } from './config-problem.ts'
import { placeFaults, type ConfigFault, type ConfigSource } from './config-source.ts'
import { formatByteSize } from '../core/byte-size.ts'
import { formatDuration } from '../core/duration.ts'
import type { RepositoryConfig, ResourcesConfig, ServiceConfig, StageConfig } from './repository-config.ts'
import type { RepositoryLimits, RepositoryPolicy } from './server-config.ts'
import { didYouMean } from './suggest.ts'
import type { KeyPath } from './yaml-reading.ts'

/** What a repository may name, from server.yml and the dashboard together. */
export type Grants = Pick<RepositoryPolicy, 'deployHosts' | 'pools' | 'limits'> & {
  readonly secretNames: readonly string[]
}

/**
 * Hosts, pools and secrets the admin did not give to this repository, and limits above the admin's. Only what the
 * file itself says counts: a default that is too high is lowered silently (`capResources`).
 */
export function checkAgainstPolicy(
  config: RepositoryConfig,
  source: ConfigSource,
  grants: Grants,
): readonly ConfigProblem[] {
  const check: Check = { source, grants }
  return placeFaults(source, [
    ...Object.values(config.images).flatMap((image) =>
      timeoutFaults(check, image.timeoutMs, ['images', image.key, 'timeout']),
    ),
    ...Object.values(config.services).flatMap((service) => serviceFaults(check, service)),
    ...Object.values(config.pipeline?.stages ?? {}).flatMap((stage) => stageFaults(check, stage)),
    ...Object.values(config.packages).flatMap((one) => [
      ...timeoutFaults(check, one.timeoutMs, ['packages', one.key, 'timeout']),
      ...resourceFaults(check, one.resources, ['packages', one.key, 'resources']),
    ]),
  ])
}

/** The smaller of what the file asks for and what the admin allows. */
export function capResources(asked: ResourcesConfig, limits: RepositoryLimits): ResourcesConfig {
  return {
    memoryBytes: Math.min(asked.memoryBytes, limits.memoryBytes),
    cpus: Math.min(asked.cpus, limits.cpus),
    pids: Math.min(asked.pids, limits.pids),
  }
}

interface Check {
  readonly source: ConfigSource
  readonly grants: Grants
}

function serviceFaults(check: Check, service: ServiceConfig): readonly ConfigFault[] {
  const path = ['services', service.key]
  const { deployHosts } = check.grants
  const hostFaults: readonly ConfigFault[] = deployHosts.includes(service.host)
    ? []
    : [
        {
          path: [...path, 'host'],
          message: `this repository may not deploy to a host ${service.host}`,
          hint: grantHint(service.host, deployHosts, 'hosts'),
        },
      ]
  return [...hostFaults, ...secretFaults(check, service.secrets, path)]
}

function stageFaults(check: Check, stage: StageConfig): readonly ConfigFault[] {
  const path = ['pipeline', 'stages', stage.key]
  const { pools } = check.grants
  const poolFaults: readonly ConfigFault[] =
    stage.pool === null || pools.includes(stage.pool.name)
      ? []
      : [
          {
            path: [...path, 'pool', 'name'],
            message: `this repository may not use a pool ${stage.pool.name}`,
            hint: grantHint(stage.pool.name, pools, 'pools'),
          },
        ]
  return [
    ...poolFaults,
    ...secretFaults(check, stage.secrets, path),
    ...timeoutFaults(check, stage.timeoutMs, [...path, 'timeout']),
    ...resourceFaults(check, stage.resources, [...path, 'resources']),
  ]
}

function secretFaults(check: Check, names: readonly string[], path: KeyPath): readonly ConfigFault[] {
  const { secretNames } = check.grants
  return names.flatMap((name, index) =>
    secretNames.includes(name)
      ? []
      : [
          {
            path: [...path, 'secrets', index],
            message: `this repository has no secret ${name}`,
            hint: grantHint(name, secretNames, 'secrets'),
          },
        ],
  )
}

function timeoutFaults({ source, grants }: Check, asked: number, path: KeyPath): readonly ConfigFault[] {
  const allowed = grants.limits.timeoutMs
  return asked > allowed && source.has(path) ? [tooHigh(path, formatDuration(allowed))] : []
}

function resourceFaults({ source, grants }: Check, asked: ResourcesConfig, path: KeyPath): readonly ConfigFault[] {
  const { limits } = grants
  const faults: ConfigFault[] = []
  if (asked.memoryBytes > limits.memoryBytes)
    faults.push(tooHigh([...path, 'memory'], formatByteSize(limits.memoryBytes)))
  if (asked.cpus > limits.cpus) faults.push(tooHigh([...path, 'cpus'], String(limits.cpus)))
  if (asked.pids > limits.pids) faults.push(tooHigh([...path, 'pids'], String(limits.pids)))
  return faults.filter((fault) => source.has(fault.path))
}

function tooHigh(path: KeyPath, allowed: string): ConfigFault {
  return { path, message: `more than the admin allows, which is ${allowed}`, hint: 'lower it, or ask an admin' }
}

function grantHint(name: string, granted: readonly string[], kind: string): string {
  const ask = `an admin can give it under repositories in server.yml (${kind})`
  return granted.length === 0 ? ask : (didYouMean(name, granted) ?? ask)
}
