import type { DeployDeps } from './deploy-deps.ts'
import type { Deployment, Release } from './release.ts'

export async function releaseOf(deps: Pick<DeployDeps, 'releases'>, deployment: Deployment): Promise<Release> {
  const release = deployment.releaseId === null ? null : await deps.releases.get(deployment.releaseId)
  if (release === null) throw new Error(`run ${deployment.runId} has no release`)
  return release
}

/** The service moved: what it left on its former place has to go as well. */
export function isElsewhere(one: Release, other: Release): boolean {
  const [a, b] = [one.config, other.config]
  return a.host !== b.host || a.driver !== b.driver || a.name !== b.name
}
