/** The door of deployments. */
export { performDeployment } from './perform-deployment.ts'
export type { DeployDeps, DeploymentFacts, DeploymentLog, DeploymentOutcome, DeploymentWords } from './deploy-deps.ts'
export { DEPLOYMENT_JOB, deploymentName, deploymentPlanOf, serviceLane } from './deployment-plan.ts'
export type { DeploymentPlan } from './deployment-plan.ts'
export { deploymentReport } from './deployment-report.ts'
export { DEPLOYMENT_STATES, isFinal, mayFollow, touchesHost } from './deployment-state.ts'
export type { DeploymentState } from './deployment-state.ts'
export { activeFreeze } from './freeze.ts'
export { gate, needsPerson } from './gate.ts'
export type { GateReason } from './gate.ts'
export { planDeployments, refusalOf } from './plan-deployments.ts'
export type { Allowances, DeploymentRefusal, PlannedDeployment } from './plan-deployments.ts'
export { isGoodRelease } from './release.ts'
export type { Deployment, Drift, Release, ReleaseImage, RollFailure, Service, ServiceLock } from './release.ts'
export { rolloutOf } from './rollout-of.ts'
export type { Route, RouteSlot } from './route.ts'
export type * from './ports.ts'
export {
  approveDeployment,
  deploymentJob,
  deploymentLimitMs,
  KEPT_RELEASES,
  lockService,
  passFreeze,
  previewRollback,
  requestDriftFix,
  requestRollback,
  unlockService,
} from './control.ts'
export type { ControlDeps, RollbackPreview } from './control.ts'
export { previewConfig } from './preview-config.ts'
export { checkDrift, pruneImages, refreshDue, removeEndedPreview } from './upkeep.ts'
export type { UpkeepDeps } from './upkeep.ts'
