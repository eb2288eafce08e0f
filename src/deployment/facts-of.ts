import type { DeployDeps, DeploymentFacts, DeployWork } from './deploy-deps.ts'
import type { Deployment, Release } from './release.ts'

/** What can be said of a deployment now. */
export async function factsOf(
  deps: DeployDeps,
  work: Pick<DeployWork, 'run' | 'service'>,
  deployment: Deployment,
): Promise<DeploymentFacts> {
  const find = async (releaseId: string | null): Promise<Release | null> =>
    releaseId === null ? null : deps.releases.get(releaseId)
  const startedAt = (await deps.runs.get(work.run.id))?.startedAt ?? null
  return {
    run: work.run,
    service: work.service,
    deployment,
    release: await find(deployment.releaseId),
    previous: await find(deployment.previousReleaseId),
    durationMs: startedAt === null ? 0 : Math.max(0, deps.clock.now() - startedAt.getTime()),
  }
}
