/** What a run of kind `deployment` is to do: kept with the run, so that no later change of a file changes it. */
import type { ImageConfig, ServiceConfig } from '../config/repository-config.ts'
import { SlipwayError } from '../core/errors.ts'
import type { Run } from '../core/run.ts'
import type { NewService } from './ports.ts'

export interface DeploymentPlan {
  /** What it is, as the file says it; it gets its row and its name on the host when the deployment is admitted. */
  readonly service: NewService
  readonly target:
    /** The run's own commit, built if need be. `image` is null when the image comes from elsewhere. */
    | {
        readonly kind: 'commit'
        readonly config: ServiceConfig
        readonly image: ImageConfig | null
        readonly treeSha: string | null
      }
    /** A release that exists; nothing is built and its own configuration counts. */
    | { readonly kind: 'release'; readonly releaseId: string; readonly why: 'rollback' | 'drift' }
  /** The person who asked for it; null when it follows from a push. */
  readonly askedBy: string | null
  /** People in Slack are told how it ended. */
  readonly tellsSlack: boolean
}

/** The check run's name; a preview names its pull request, because two of them may have the same head. */
export function deploymentName(key: string, pullRequest: number | null): string {
  return pullRequest === null ? `deploy/${key}` : `deploy/${key} (pr-${pullRequest})`
}

/** Jobs of one service share the lane, which lets one of them work at a time. */
export function serviceLane({
  repositoryId,
  key,
  pullRequest,
}: Pick<NewService, 'repositoryId' | 'key' | 'pullRequest'>): string {
  return `service:${repositoryId}/${key}${pullRequest === null ? '' : `/pr-${pullRequest}`}`
}

/** Kind of the job that does a deployment's run. */
export const DEPLOYMENT_JOB = 'run.deployment'

/** The door for what we wrote ourselves into `runs.plan`. */
export function deploymentPlanOf(run: Pick<Run, 'id' | 'plan'>): DeploymentPlan {
  if (isDeploymentPlan(run.plan)) return run.plan
  throw new SlipwayError('internal', `run ${run.id} has no plan of a deployment`)
}

/** A run that was refused when it was planned has none. */
export function isDeploymentPlan(plan: unknown): plan is DeploymentPlan {
  return typeof plan === 'object' && plan !== null && 'service' in plan && 'target' in plan
}

/** A person wants exactly this: a request, or a re-run of the check. */
export function isAsked(plan: DeploymentPlan, attempt: number): boolean {
  return plan.askedBy !== null || attempt > 1
}
