/**
 * What `.github/slipway.yml` says once it is read: every default filled in, durations in milliseconds, sizes in
 * bytes. `${...}` placeholders are still in place; `fill-template.ts` fills them when their values are known.
 */
export interface RepositoryConfig {
  readonly version: 1
  readonly images: Named<ImageConfig>
  readonly services: Named<ServiceConfig>
  /** Null when the file has no pipeline. */
  readonly pipeline: PipelineConfig | null
  readonly packages: Named<PackageConfig>
  readonly notify: { readonly slack: boolean }
}

/** By key, in the order of the file. */
export type Named<T> = Readonly<Record<string, T>>
export type Variables = Readonly<Record<string, string>>

export interface ImageConfig {
  readonly key: string
  /** Both from the repository's root, with forward slashes, never outside it. */
  readonly dockerfile: string
  readonly context: string
  /** Such as `linux/amd64`; at least one. */
  readonly platforms: readonly string[]
  readonly target: string | null
  readonly args: Variables
  readonly includeGit: boolean
  readonly timeoutMs: number
  readonly publish: readonly PublishRule[]
}

export interface PublishRule {
  /** A branch pattern. */
  readonly branch: string
  /** A full image reference; may hold `${branch}` and `${sha}`. */
  readonly tag: string
}

export type ServiceDriver = 'swarm' | 'container' | 'unikernel'
export type UnikernelTarget = 'hvt' | 'xen'

export type ServiceImage =
  | { readonly kind: 'built'; readonly key: string }
  /** `refreshMs`: how often the reference is looked up again; null means only when the service is deployed. */
  | { readonly kind: 'ref'; readonly ref: string; readonly refreshMs: number | null }

export interface ServiceConfig {
  readonly key: string
  readonly image: ServiceImage
  /** The live branch, by its exact name. */
  readonly branch: string
  readonly host: string
  readonly driver: ServiceDriver
  /** Its name on the host. */
  readonly name: string
  /** GitHub's environment. */
  readonly environment: string
  readonly url: string | null
  readonly port: number | null
  readonly domains: readonly string[]
  readonly replicas: number
  readonly healthcheck: HealthcheckConfig | null
  readonly bakeMs: number
  readonly env: Variables
  readonly secrets: readonly string[]
  readonly hooks: { readonly preDeploy: readonly string[]; readonly postDeploy: readonly string[] }
  readonly preview: PreviewConfig | null
  /** Set for the unikernel driver, null for the others. */
  readonly unikernel: UnikernelTarget | null
}

export interface HealthcheckConfig {
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly deadlineMs: number
}

export interface PreviewConfig {
  readonly pullRequests: boolean
  readonly forks: boolean
  readonly ttlMs: number
  /** May hold `${number}`; null when the service has no domain to derive one from. */
  readonly domain: string | null
}

export type PipelineEvent = 'push' | 'pull_request' | 'tag' | 'schedule' | 'manual' | 'merge_group'

export interface PipelineConfig {
  readonly on: PipelineTriggers
  readonly image: string | null
  readonly env: Variables
  readonly concurrency: { readonly group: string; readonly cancelSuperseded: boolean }
  readonly stages: Named<StageConfig>
}

/** A null trigger is one the pipeline does not react to. */
export interface PipelineTriggers {
  readonly push: { readonly branches: readonly string[] } | null
  /** Patterns of the base branch. */
  readonly pullRequest: { readonly branches: readonly string[] } | null
  readonly tag: { readonly tags: readonly string[] } | null
  readonly schedule: readonly ScheduleConfig[]
  readonly manual: { readonly inputs: Named<InputConfig> } | null
}

export interface ScheduleConfig {
  readonly cron: string
  /** Null: the repository's default branch. */
  readonly branch: string | null
  /** IANA time zone. */
  readonly tz: string
}

export interface InputConfig {
  readonly key: string
  readonly description: string | null
  readonly default: string | null
  readonly required: boolean
  /** The allowed values; null allows any. */
  readonly options: readonly string[] | null
}

export interface StageConfig {
  readonly key: string
  readonly dependsOn: readonly string[]
  /** Any one has to hold; within one, everything it names. Empty: always. */
  readonly when: readonly WhenRule[]
  readonly pool: { readonly name: string; readonly timeoutMs: number | null } | null
  readonly services: Named<StageServiceConfig>
  readonly matrix: MatrixConfig | null
  readonly env: Variables
  readonly timeoutMs: number
  readonly retry: RetryConfig
  readonly cache: readonly CacheConfig[]
  readonly artifacts: ArtifactsConfig | null
  readonly secrets: readonly string[]
  readonly successExit: readonly number[]
  readonly failure: FailureMode
  readonly resources: ResourcesConfig
  readonly network: NetworkMode
  readonly steps: readonly StepConfig[]
}

export type FailureMode = 'fail' | 'ignore'
export type NetworkMode = 'default' | 'none'
export type RetryCause = 'exit' | 'timeout' | 'infra'

/** Null means the rule does not ask about it. */
export interface WhenRule {
  readonly event: readonly PipelineEvent[] | null
  readonly branch: readonly string[] | null
  readonly paths: readonly string[] | null
}

export interface StageServiceConfig {
  readonly key: string
  readonly image: string
  /** Empty: the image's own. */
  readonly command: readonly string[]
  readonly env: Variables
  readonly ready: ReadyConfig | null
}

export type ReadyConfig =
  | { readonly kind: 'port'; readonly port: number; readonly timeoutMs: number }
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutMs: number }

export interface MatrixConfig {
  readonly axes: Readonly<Record<string, readonly string[]>>
  readonly exclude: readonly Variables[]
  readonly failFast: boolean
}

export interface RetryConfig {
  /** Attempts after the first. */
  readonly max: number
  readonly on: readonly RetryCause[]
}

export interface CacheConfig {
  /** May hold `${hash:file}`, `${branch}` and matrix axes. */
  readonly key: string
  /** Prefixes tried in order when the key itself is not there. */
  readonly restore: readonly string[]
  readonly paths: readonly string[]
}

export interface ArtifactsConfig {
  readonly paths: readonly string[]
  readonly when: 'success' | 'failure' | 'always'
  readonly expireMs: number
  readonly report: { readonly junit: string | null }
}

/** What the file asks for; the admin's limits cap it (`capResources`). */
export interface ResourcesConfig {
  readonly memoryBytes: number
  readonly cpus: number
  readonly pids: number
}

export interface StepConfig {
  readonly name: string
  /** The step's own, else the stage's, else the pipeline's. */
  readonly image: string
  readonly commands: readonly string[]
  readonly env: Variables
  readonly failure: FailureMode
  /** Null: what is left of the stage's. */
  readonly timeoutMs: number | null
}

export interface PackageConfig {
  readonly key: string
  /** Tag patterns. */
  readonly tags: readonly string[]
  readonly matrix: MatrixConfig | null
  readonly image: string
  readonly commands: readonly string[]
  /** A pattern that one file of the workspace matches after the commands. */
  readonly artifact: string
  readonly network: NetworkMode
  readonly fetch: readonly string[]
  readonly timeoutMs: number
  readonly resources: ResourcesConfig
  /** A file of the repository that names tagged dependencies. */
  readonly dependencies: string | null
  readonly notify: { readonly email: boolean }
}
