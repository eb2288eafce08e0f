/**
 * What GitHub's Deployments should show of one deployment run: the desired state that the outbox sends. Intermediate
 * states may be coalesced, the last one is never lost.
 */
export const DEPLOYMENT_REPORT_STATES = ['queued', 'in_progress', 'success', 'failure', 'error', 'inactive'] as const
export type DeploymentReportState = (typeof DEPLOYMENT_REPORT_STATES)[number]

export interface DesiredDeployment {
  /** The commit; a Deployment is always made by sha. */
  readonly ref: string
  readonly environment: string
  /** The environment goes away again: previews. */
  readonly transient: boolean
  readonly production: boolean
  readonly state: DeploymentReportState
  /** One line, at most 140 characters. */
  readonly description: string
  readonly logUrl: string
  readonly environmentUrl: string | null
}

export interface PendingDeployment {
  readonly runId: string
  readonly repositoryId: number
  readonly owner: string
  readonly repository: string
  /** GitHub's id, null until the Deployment was created. */
  readonly deploymentId: number | null
  /** A creation was begun before and its answer never recorded: look it up (task, payload) before repeating it. */
  readonly mayExist: boolean
  readonly desired: DesiredDeployment
  readonly version: number
  readonly failures: number
}

/** What the sender of an installation needs; implemented in `store/deployment-reports.ts`. */
export interface DeploymentReportStore {
  /** The next one to send: final states first, then the oldest. */
  nextDeployment(installationId: number): Promise<PendingDeployment | null>
  /** Milliseconds until a report that waits for its next try is due, null when none waits. */
  untilNextDeployment(installationId: number): Promise<number | null>
  markCreatingDeployment(runId: string): Promise<void>
  /** GitHub's id is known; it is kept before anything else happens. */
  keepDeploymentId(runId: string, deploymentId: number): Promise<void>
  markDeploymentSent(runId: string, version: number): Promise<void>
  markDeploymentFailed(runId: string, cause: string, retryInMs: number): Promise<void>
  giveUpDeployment(runId: string, cause: string): Promise<void>
  installationsWithUnsentDeployments(): Promise<readonly number[]>
}
