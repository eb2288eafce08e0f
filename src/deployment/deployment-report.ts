import type { DeploymentReportState, DesiredDeployment } from '../core/deployment-report.ts'
import type { Service } from './release.ts'

/** GitHub refuses longer ones. */
const MAX_DESCRIPTION = 140
const PRODUCTION = /^(prod|production|live)$/i

/** What GitHub's Deployments should show of a service's run. */
export function deploymentReport(
  service: Pick<Service, 'environment' | 'url' | 'pullRequest'>,
  sha: string,
  state: DeploymentReportState,
  description: string,
  logUrl: string,
): DesiredDeployment {
  const isPreview = service.pullRequest !== null
  return {
    ref: sha,
    environment: service.environment,
    transient: isPreview,
    production: !isPreview && PRODUCTION.test(service.environment),
    state,
    description: description.length > MAX_DESCRIPTION ? `${description.slice(0, MAX_DESCRIPTION - 1)}…` : description,
    logUrl,
    environmentUrl: service.url,
  }
}
