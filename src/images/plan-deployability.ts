/** Which images a commit has to build, and where. Pure. */
import { matchesGlob } from '../config/glob.ts'
import type { ImageConfig, Named } from '../config/repository-config.ts'
import type { ImageTarget } from './ports.ts'

export interface BuildHost {
  readonly name: string
  readonly platforms: readonly string[]
}

/** What a run of kind `deployability` has to do; kept in the run's row. */
export interface DeployabilityPlan {
  readonly targets: readonly ImageTarget[]
  /** Platforms that no host offers: the check says so instead of silently building less. */
  readonly missing: readonly { readonly image: string; readonly platform: string }[]
  readonly publish: readonly { readonly image: string; readonly reference: string }[]
  readonly treeSha: string | null
  readonly useCache: boolean
}

export interface DeployabilityInput {
  readonly images: Named<ImageConfig>
  readonly hosts: readonly BuildHost[]
  readonly repositoryId: number
  /** The branch that moved, null when nothing may be published (pull requests, merge groups). */
  readonly publishBranch: string | null
  readonly sha: string
  readonly treeSha: string | null
  readonly useCache: boolean
}

/** Null when the file names no image. */
export function planDeployability(input: DeployabilityInput): DeployabilityPlan | null {
  const images = Object.values(input.images)
  if (images.length === 0) return null
  const wanted = images.flatMap((image) => image.platforms.map((platform) => ({ image, platform })))
  const placed = wanted.map((want) => ({ ...want, host: pickHost(input.hosts, want.platform, input.repositoryId) }))
  return {
    targets: placed.flatMap(({ host, ...rest }) => (host === null ? [] : [{ ...rest, host }])),
    missing: placed.flatMap(({ host, image, platform }) => (host === null ? [{ image: image.key, platform }] : [])),
    publish: images.flatMap((image) => publications(image, input)),
    treeSha: input.treeSha,
    useCache: input.useCache,
  }
}

/** The same repository goes to the same host as long as the hosts stay the same, because its layers are cached there. */
export function pickHost(hosts: readonly BuildHost[], platform: string, repositoryId: number): string | null {
  const able = hosts.filter((host) => host.platforms.includes(platform))
  return able[repositoryId % Math.max(1, able.length)]?.name ?? null
}

function publications(image: ImageConfig, { publishBranch, sha }: DeployabilityInput) {
  if (publishBranch === null) return []
  return image.publish
    .filter((rule) => matchesGlob([rule.branch], publishBranch))
    .map((rule) => ({
      image: image.key,
      reference: rule.tag.replaceAll('${branch}', tagSafe(publishBranch)).replaceAll('${sha}', sha),
    }))
}

/** A branch name may hold what a tag may not: `feature/x` becomes `feature-x`. */
function tagSafe(branch: string): string {
  return branch
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 100)
}
