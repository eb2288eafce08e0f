import type { ServiceSecrets, Rollout } from './ports.ts'
import type { Release, Service } from './release.ts'

/** For a service without a health check of its own. */
const DEFAULT_DEADLINE_MS = 60_000
/** Making and starting containers on a slow host, besides becoming healthy. */
const START_ALLOWANCE_MS = 30_000

/** What a driver needs to run a release: its own configuration, never today's. */
export async function rolloutOf(
  service: Service,
  release: Release,
  runId: string,
  secrets: ServiceSecrets,
): Promise<Rollout> {
  const { config } = release
  return {
    serviceId: service.id,
    name: config.name,
    releaseId: release.id,
    runId,
    sha: release.sha,
    image: release.image,
    port: config.port,
    domains: config.domains,
    replicas: config.replicas,
    healthcheck: config.healthcheck,
    env: config.env,
    secrets: await secrets.open(service.repositoryId, release.secretVersions),
    unikernel: config.unikernel,
    isPreview: service.pullRequest !== null,
    deadlineMs: (config.healthcheck?.deadlineMs ?? DEFAULT_DEADLINE_MS) + START_ALLOWANCE_MS,
  }
}
