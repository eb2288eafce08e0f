/** What a tag means for a repository's packages: which builds it asks for. Pure; nothing is looked up. */
import type { Named, PackageConfig, Variables } from '../config/repository-config.ts'
import type { RepositoryLimits } from '../config/server-config.ts'
import { capResources } from '../config/check-against-policy.ts'
import { combinationSuffix, expandMatrix } from '../config/expand-matrix.ts'
import { fillFrom } from '../config/fill-template.ts'
import { matchesGlob } from '../config/glob.ts'
import type { PackagePlan } from './package-plan.ts'

export interface TagSubject {
  readonly owner: string
  readonly repository: string
  readonly tag: string
}

export interface PackageChoice {
  /** One package by its key, whatever its tag patterns say: somebody asked for it by name. */
  readonly package?: string
  /** Only combinations that agree with these values on the axes they have. */
  readonly axes?: Variables
}

export interface PlannedPackage {
  readonly checkName: string
  readonly plan: Omit<PackagePlan, 'host'>
}

export interface PackagePlanning {
  readonly builds: readonly PlannedPackage[]
  /** Sentences about what cannot be built. */
  readonly problems: readonly string[]
}

export interface PlanPackagesOptions {
  readonly choice?: PackageChoice
  readonly limits: RepositoryLimits
  readonly requiredBy?: readonly string[]
  readonly notifyEmail?: boolean
}

export function planPackages(
  subject: TagSubject,
  packages: Named<PackageConfig>,
  options: PlanPackagesOptions,
): PackagePlanning {
  const { choice = {} } = options
  const chosen = Object.values(packages).filter((config) =>
    choice.package === undefined ? matchesGlob(config.tags, subject.tag) : config.key === choice.package,
  )
  const plannings = chosen.map((config) => planOne(subject, config, options))
  return { builds: plannings.flatMap((one) => one.builds), problems: plannings.flatMap((one) => one.problems) }
}

export function packageCheckName(name: string, tag: string, axes: Variables): string {
  return `package/${name}@${tag}${combinationSuffix(axes)}`
}

/** `erl_version=25, os=alpine`. */
export function variantOf(axes: Variables): string {
  return Object.entries(axes)
    .map(([axis, value]) => `${axis}=${value}`)
    .join(', ')
}

function planOne(subject: TagSubject, config: PackageConfig, options: PlanPackagesOptions): PackagePlanning {
  const expansion = expandMatrix(config.matrix)
  if (expansion.kind === 'too many') {
    return { builds: [], problems: [`the matrix of package ${config.key} has ${expansion.count} combinations`] }
  }
  const wanted = expansion.combinations.filter((axes) => agrees(axes, options.choice?.axes ?? {}))
  const builds = wanted.map((axes) => ({
    checkName: packageCheckName(config.key, subject.tag, axes),
    plan: { ...subject, ...recipe(config, axes, options) },
  }))
  return { builds, problems: [] }
}

function recipe(
  config: PackageConfig,
  axes: Variables,
  { limits, requiredBy = [], notifyEmail = true }: PlanPackagesOptions,
) {
  return {
    package: config.key,
    axes,
    variant: variantOf(axes),
    image: fillFrom(config.image, axes).text,
    commands: [...config.commands],
    fetch: [...config.fetch],
    artifact: fillFrom(config.artifact, axes).text,
    network: config.network,
    timeoutMs: Math.min(config.timeoutMs, limits.timeoutMs),
    resources: capResources(config.resources, limits),
    logBytes: limits.logBytes,
    dependencies: config.dependencies,
    notifyEmail: config.notify.email && notifyEmail,
    requiredBy: [...requiredBy],
  }
}

function agrees(axes: Variables, wanted: Variables): boolean {
  return Object.entries(wanted).every(([axis, value]) => !Object.hasOwn(axes, axis) || axes[axis] === value)
}
