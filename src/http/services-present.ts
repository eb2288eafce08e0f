/** Services, releases and deployments as the API says them. */
import type { z } from '@hono/zod-openapi'
import { isGoodRelease, type Deployment, type Release, type Service } from '../deployment/index.ts'
import type { DeploymentAnswer, ReleaseAnswer, ServiceAnswer } from './services-schemas.ts'

export function presentRelease(release: Release): z.output<typeof ReleaseAnswer> {
  return {
    id: release.id,
    number: release.number,
    sha: release.sha,
    image: release.image.digest ?? release.image.imageId,
    outcome: release.outcome,
    reason: release.reason,
    run_id: release.runId,
    approved_by: release.approvedBy,
    created_at: release.createdAt.toISOString(),
    live_since: release.liveSince?.toISOString() ?? null,
    live_until: release.liveUntil?.toISOString() ?? null,
    can_be_rolled_back_to: isGoodRelease(release) && release.outcome !== 'live',
  }
}

export function presentDeployment(deployment: Deployment): z.output<typeof DeploymentAnswer> {
  const { failure } = deployment
  return {
    run_id: deployment.runId,
    state: deployment.state,
    release_id: deployment.releaseId,
    previous_release_id: deployment.previousReleaseId,
    failure:
      failure === null
        ? null
        : { kind: failure.kind, cause: failure.cause, exit_code: failure.exitCode, log_tail: [...failure.logTail] },
    warnings: [...deployment.warnings],
    timeline: [...deployment.timeline],
  }
}

export function presentService(
  service: Service,
  repository: string,
  live: Release | null,
  newest: Deployment | null,
): z.output<typeof ServiceAnswer> {
  return {
    id: service.id,
    repository,
    service: service.key,
    pull_request: service.pullRequest,
    branch: service.branch,
    host: service.host,
    driver: service.driver,
    name: service.name,
    environment: service.environment,
    url: service.url,
    live: live === null ? null : presentRelease(live),
    held_sha: service.heldSha,
    lock:
      service.lock === null
        ? null
        : {
            ...service.lock,
            until: service.lock.until?.toISOString() ?? null,
            since: service.lock.since.toISOString(),
          },
    drift: service.drift === null ? null : { found: service.drift.found, since: service.drift.since.toISOString() },
    deployment: newest === null ? null : presentDeployment(newest),
    expires_at: service.expiresAt?.toISOString() ?? null,
  }
}
