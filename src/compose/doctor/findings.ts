import { skipped } from '../../cli/doctor-check.ts'
import type { ServerConfig } from '../../config/server-config.ts'
import type { Settings } from '../../config/settings.ts'
import type { AppCredentials } from '../../github/connect.ts'
import type { DockerHosts } from '../docker-hosts.ts'

/** What has been found so far; each check may rest on what earlier ones found. */
export interface Findings {
  settings: Settings | null
  server: ServerConfig | null
  credentials: AppCredentials | null
  hosts: DockerHosts | null
}

export const NO_SETTINGS = skipped('the settings cannot be read')
