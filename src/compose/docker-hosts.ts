/** Every Docker host of the admin's file, connected when first used, and asked now and then how it is. */
import type { HostConfig, HostEndpoint } from '../config/server-config.ts'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import { connectDockerHost, type DockerHost, type DockerHostConfig } from '../docker/connect-host.ts'
import { describeHost, type HostInfo } from '../docker/host-info.ts'

export type HostCondition = { readonly info: HostInfo } | { readonly cause: string }

export interface DockerHosts {
  readonly configs: readonly HostConfig[]
  /** Throws `not_found` for a name that the admin's file does not have. */
  host(name: string): DockerHost
  config(name: string): HostConfig
  /** Asks every host; null with a cause for one that does not answer. */
  describeAll(): Promise<ReadonlyMap<string, HostCondition>>
  /** Takes new hosts over; connections to hosts that stayed the same are kept. */
  replace(configs: readonly HostConfig[]): void
  close(): void
}

export function createDockerHosts(initial: readonly HostConfig[]): DockerHosts {
  let configs = initial
  const connected = new Map<string, DockerHost>()

  const config = (name: string): HostConfig => {
    const found = configs.find((candidate) => candidate.name === name)
    if (found === undefined) throw new SlipwayError('not_found', `there is no Docker host named ${name}`)
    return found
  }
  const host = (name: string): DockerHost => {
    const known = connected.get(name) ?? connectDockerHost(connectionOf(config(name)))
    connected.set(name, known)
    return known
  }
  return {
    get configs() {
      return configs
    },
    config,
    host,
    async describeAll() {
      const described = await Promise.all(
        configs.map(async ({ name }): Promise<[string, HostCondition]> => {
          try {
            return [name, { info: await describeHost(host(name)) }]
          } catch (error) {
            return [name, { cause: errorMessage(error) }]
          }
        }),
      )
      return new Map(described)
    },
    replace(fresh) {
      for (const [name, open] of connected) {
        const before = configs.find((candidate) => candidate.name === name)
        const after = fresh.find((candidate) => candidate.name === name)
        if (JSON.stringify(before?.endpoint) === JSON.stringify(after?.endpoint)) continue
        open.close()
        connected.delete(name)
      }
      configs = fresh
    },
    close() {
      for (const open of connected.values()) open.close()
      connected.clear()
    },
  }
}

function connectionOf({ name, endpoint }: HostConfig): DockerHostConfig {
  return { name, ...endpointOf(endpoint) }
}

function endpointOf(endpoint: HostEndpoint): Omit<DockerHostConfig, 'name'> {
  switch (endpoint.kind) {
    case 'unix':
      return { endpoint: `unix://${endpoint.path}` }
    case 'tcp':
      return { endpoint: `tcp://${endpoint.host}:${endpoint.port}`, tls: endpoint.tls ?? undefined }
    case 'ssh':
      return {
        endpoint: `ssh://${endpoint.user}@${endpoint.host}:${endpoint.port}`,
        hostKey: endpoint.hostKey,
        identity: endpoint.identity,
      }
  }
}
