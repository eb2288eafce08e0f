/** The door of image builds. */
export { ensureImage } from './ensure-image.ts'
export type { EnsureImageDeps, EnsureImageRequest, EnsuredImage } from './ensure-image.ts'
export { pickHost, planDeployability } from './plan-deployability.ts'
export type { BuildHost, DeployabilityInput, DeployabilityPlan } from './plan-deployability.ts'
export { runDeployability } from './run-deployability.ts'
export type { DeployabilityDeps, Interruption } from './run-deployability.ts'
export type { DeployabilityResult, ImageResult, PublishResult } from './deployability-result.ts'
export type * from './ports.ts'
