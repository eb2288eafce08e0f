/** Docker hosts for the settings page: what the file says of each, and how it is. */
import type { HostConfig, HostEndpoint } from '../config/server-config.ts'
import type { HostRecord } from '../web/ports.ts'
import type { HostCondition } from './docker-hosts.ts'
import type { Foundation } from './foundation.ts'

export async function describeHosts({ hosts }: Pick<Foundation, 'hosts'>): Promise<readonly HostRecord[]> {
  const conditions = await hosts.describeAll()
  return hosts.configs.map((config) => describe(config, conditions.get(config.name) ?? { cause: 'not asked yet' }))
}

function describe(
  { name, endpoint, builds, deploys, maxConcurrent }: HostConfig,
  condition: HostCondition,
): HostRecord {
  return {
    name,
    endpoint: endpointText(endpoint),
    builds,
    deploys,
    maxConcurrent,
    condition:
      'info' in condition
        ? { isOk: true, detail: `Docker ${condition.info.version}, ${condition.info.platform}` }
        : { isOk: false, detail: condition.cause },
  }
}

function endpointText(endpoint: HostEndpoint): string {
  switch (endpoint.kind) {
    case 'unix':
      return `unix://${endpoint.path}`
    case 'tcp':
      return `tcp://${endpoint.host}:${endpoint.port}`
    case 'ssh':
      return `ssh://${endpoint.user}@${endpoint.host}:${endpoint.port}`
  }
}
