/** The door of deployments. */
export { performDeployment } from './perform-deployment.ts'
export type { DeployDeps, DeploymentFacts, DeploymentLog, DeploymentOutcome, DeploymentWords } from './deploy-deps.ts'
export { DEPLOYMENT_JOB, deploymentName, deploymentPlanOf, isDeploymentPlan, serviceLane } from './deployment-plan.ts'
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
export { MAX_BACKENDS } from './route.ts'
export { SLOTS_PER_BACKEND } from './route.ts'
export { redeployCommand } from './unikernel-request.ts'
export { unikernelFile } from './unikernel-request.ts'
export { unikernelPath } from './unikernel-request.ts'
export { imageReference } from './swarm-service.ts'
export type { FailureKind } from './release.ts'
export { ADOPTED_LABEL } from './swarm-service.ts'
export { swarmSpec } from './swarm-service.ts'
export { swarmVerdict } from './swarm-service.ts'
export type { SwarmService } from './swarm-service.ts'
export type { SwarmVerdict } from './swarm-service.ts'
export type { SwarmSpec } from './swarm-service.ts'
export type { SwarmTask } from './swarm-service.ts'
export { placesFor } from './route.ts'
export { servesRelease } from './route.ts'
export { switchedTo } from './route.ts'
export { withPlaces } from './route.ts'
export { containerRequest } from './container-request.ts'
export { KEPT_RUNNING } from './container-request.ts'
export { replicaCondition } from './container-request.ts'
export { replicaName } from './container-request.ts'
export type { ContainerRequest } from './container-request.ts'
export type { ReplicaState } from './container-request.ts'
