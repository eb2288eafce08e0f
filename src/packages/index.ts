/** The door of packages: what a tag builds, what was released, and the proof of it. */
export { packageBuildState, PACKAGE_BUILD_STATES, type PackageBuildState } from './build-state.ts'
export { choosePackage, findRequestedRepository, type ChosenPackage, type FoundRepository } from './find-target.ts'
export { fullNameOfUrl, parseFullName, withoutProtocol, type FullName } from './full-name.ts'
export { packagePlanOf, subjectOf, type PackagePlan } from './package-plan.ts'
export { outcomeMessage, packageResultOf } from './package-result.ts'
export {
  packageCheckName,
  planPackages,
  variantOf,
  type PackagePlanning,
  type PlannedPackage,
} from './plan-packages.ts'
export { provideRuntime } from './provide-runtime.ts'
export { handleTag, reconcileTags, type TagFault } from './reconcile-tags.ts'
export {
  PACKAGE_JOB,
  plannedBuilds,
  requestPackageBuilds,
  requestRebuild,
  type PackageLinks,
  type PackageRequest,
  type PackageRequestResult,
  type RequestDeps,
  type RequestedBuild,
} from './request-builds.ts'
export { packageRunHandler, type PackageRunDeps } from './run-package.ts'
export { isTagName } from './tag-name.ts'
export { isPreRelease, versionSortKey } from './version-order.ts'
export {
  generateSigningKey,
  keyId,
  openEnvelope,
  parseEnvelope,
  signPayload,
  type Envelope,
  type SigningKey,
} from './provenance/envelope.ts'
export { signingKeys, type SigningKeys } from './provenance/signing-keys.ts'
export { splitPem, verifyProvenance, type Verification } from './provenance/verify-provenance.ts'
export type * from './ports.ts'
