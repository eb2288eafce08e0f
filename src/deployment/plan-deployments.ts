/**
 * What a push to a branch changes, and where; for a pull request the same question about its base branch. The answer
 * names refusals as well, so that a wrong host is told on the check run before anything is touched.
 */
import { matchesGlob } from '../config/glob.ts'
import type { RepositoryConfig, ServiceConfig } from '../config/repository-config.ts'
import type { HostConfig, RepositoryPolicy } from '../config/server-config.ts'
import { MAX_REPLICAS } from './route.ts'

export interface PlannedDeployment {
  readonly service: ServiceConfig
  /** Null: it will be deployed. */
  readonly refusal: DeploymentRefusal | null
}

export type DeploymentRefusal =
  | { readonly kind: 'host_unknown'; readonly host: string }
  | { readonly kind: 'host_not_given'; readonly host: string }
  | { readonly kind: 'host_takes_no_services'; readonly host: string }
  | { readonly kind: 'branch_not_allowed'; readonly branch: string; readonly allowed: readonly string[] }
  | { readonly kind: 'host_has_no_unikernels'; readonly host: string }
  | { readonly kind: 'name_not_allowed'; readonly name: string }
  | { readonly kind: 'port_missing' }
  | { readonly kind: 'too_many_replicas'; readonly most: number }

export interface Allowances {
  readonly policy: Pick<RepositoryPolicy, 'deployHosts' | 'deployBranches'>
  readonly hosts: readonly HostConfig[]
}

/** The services that a push to `branch` upgrades, in the order of the file. */
export function planDeployments(
  config: Pick<RepositoryConfig, 'services'>,
  branch: string,
  allowances: Allowances,
): readonly PlannedDeployment[] {
  return Object.values(config.services)
    .filter((service) => service.branch === branch)
    .map((service) => ({ service, refusal: refusalOf(service, allowances) }))
}

/** Names reach Docker, file names and a command on the host; this is the strictest of their rules. */
const SERVICE_NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/i

export function refusalOf(service: ServiceConfig, { policy, hosts }: Allowances): DeploymentRefusal | null {
  const host = hosts.find((candidate) => candidate.name === service.host)
  if (host === undefined) return { kind: 'host_unknown', host: service.host }
  if (!policy.deployHosts.includes(host.name)) return { kind: 'host_not_given', host: host.name }
  if (!host.deploys) return { kind: 'host_takes_no_services', host: host.name }
  if (!matchesGlob(policy.deployBranches, service.branch)) {
    return { kind: 'branch_not_allowed', branch: service.branch, allowed: policy.deployBranches }
  }
  if (!SERVICE_NAME.test(service.name)) return { kind: 'name_not_allowed', name: service.name }
  return driverRefusal(service, host)
}

function driverRefusal(service: ServiceConfig, host: HostConfig): DeploymentRefusal | null {
  switch (service.driver) {
    case 'swarm':
      return null
    case 'unikernel':
      return host.unikernel === null ? { kind: 'host_has_no_unikernels', host: host.name } : null
    case 'container':
      if (service.replicas > MAX_REPLICAS) return { kind: 'too_many_replicas', most: MAX_REPLICAS }
      // A worker that nobody asks over HTTP needs neither.
      if (service.domains.length === 0 && service.healthcheck === null) return null
      return service.port === null ? { kind: 'port_missing' } : null
  }
}
