/** What the demo itself does on its Docker host: nothing but clearing away. */
import { defaultServerConfig } from '../config/parse-server-config.ts'
import type { Settings } from '../config/settings.ts'
import { sweepOwned } from '../docker/sweep.ts'
import { createDockerHosts } from './docker-hosts.ts'

/** Containers first: what they hold may be refused in the first round and go in the second. */
const ROUNDS = 2

/** Removes everything that the installation of this id made. */
export async function clearDocker(settings: Settings, instanceId: string): Promise<void> {
  const hosts = createDockerHosts(defaultServerConfig(settings.dockerHost).hosts)
  try {
    for (const { name } of hosts.configs) {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { remaining } = await sweepOwned(hosts.host(name).engine, { instance: instanceId }, () => false)
        if (remaining.length === 0) break
      }
    }
  } finally {
    hosts.close()
  }
}
