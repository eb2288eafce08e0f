import type { Secret } from '../core/secret.ts'
import type { ResourcesConfig } from './repository-config.ts'

/** What `server.yml` says once it is read: defaults filled in, `${NAME}` replaced, durations in milliseconds, sizes in bytes. */
export interface ServerConfig {
  /** GitHub logins, lower case. */
  readonly admins: readonly string[]
  /** In the order of the file; never empty. */
  readonly hosts: readonly HostConfig[]
  readonly pools: readonly PoolConfig[]
  /** In the order of the file: the first whose pattern matches counts. */
  readonly repositories: readonly RepositoryRule[]
  readonly registries: readonly RegistryConfig[]
  readonly tokens: readonly TokenConfig[]
}

export type HostEndpoint =
  | { readonly kind: 'unix'; readonly path: string }
  /** `tls` is null only for a `DOCKER_HOST` given without a server.yml. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: TlsFiles | null }
  | {
      readonly kind: 'ssh'
      readonly user: string
      readonly host: string
      readonly port: number
      /** The pinned key: `algorithm base64`. */
      readonly hostKey: string
      /** Path of the private key. */
      readonly identity: string
    }

/** Absolute paths of PEM files. */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export interface HostConfig {
  readonly name: string
  readonly endpoint: HostEndpoint
  readonly platforms: readonly string[]
  /** Only run when a service of the container driver needs it. */
  readonly proxy: ProxyConfig
  readonly unikernel: UnikernelHostConfig | null
  readonly builds: boolean
  readonly deploys: boolean
  readonly maxConcurrent: number
}

export interface ProxyConfig {
  readonly image: string
  /** Ports on the host. */
  readonly http: number
  readonly https: number | null
  /** Absolute path of a folder on the host with one PEM bundle per domain. */
  readonly certificates: string | null
}

export interface UnikernelHostConfig {
  readonly directory: string
  /** Run on the host as `redeploy NAME`. */
  readonly redeploy: string
}

export interface PoolConfig {
  readonly name: string
  readonly timeoutMs: number
  readonly maxTimeoutMs: number
  readonly cleaning: { readonly image: string; readonly commands: readonly string[]; readonly timeoutMs: number } | null
  readonly health: { readonly path: string; readonly timeoutMs: number } | null
  readonly instances: readonly InstanceConfig[]
}

export interface InstanceConfig {
  readonly domain: string
  readonly token: Secret
  readonly labels: Readonly<Record<string, string>>
}

export type ForkPolicy = 'approve' | 'ignore' | 'run'

/** One entry of `repositories`. */
export interface RepositoryRule {
  /** `owner/name` or `owner/*`, in any case. */
  readonly pattern: string
  /** Null when the entry does not say. */
  readonly hosts: readonly string[] | null
  readonly deployBranches: readonly string[]
  readonly pools: readonly string[]
  readonly forkPullRequests: ForkPolicy
  readonly maxConcurrent: number
  readonly limits: RepositoryLimits
  readonly freeze: readonly FreezeWindow[]
  readonly requireApproval: readonly string[]
  readonly secrets: Readonly<Record<string, Secret>>
}

export interface RepositoryLimits extends ResourcesConfig {
  readonly timeoutMs: number
  readonly logBytes: number
}

export interface FreezeWindow {
  /** When the window opens. */
  readonly cron: string
  readonly durationMs: number
  readonly tz: string
  readonly reason: string
}

/** What one repository may do, as `resolveRepositoryPolicy` finds it. */
export interface RepositoryPolicy {
  /** The entry it comes from; null when none matched. */
  readonly pattern: string | null
  /** Where images are built and stages run; never empty as long as some host builds. */
  readonly buildHosts: readonly string[]
  readonly deployHosts: readonly string[]
  /** Patterns of branches that may deploy. */
  readonly deployBranches: readonly string[]
  readonly pools: readonly string[]
  readonly forkPullRequests: ForkPolicy
  readonly maxConcurrent: number
  readonly limits: RepositoryLimits
  readonly freeze: readonly FreezeWindow[]
  readonly requireApproval: readonly string[]
  readonly secrets: Readonly<Record<string, Secret>>
}

export interface RegistryConfig {
  /** Host name, with a port where it has one. */
  readonly host: string
  readonly username: string
  readonly password: Secret
}

export type TokenScope = 'pool' | 'runner' | 'packages' | 'read' | 'admin'

export interface TokenConfig {
  readonly name: string
  readonly scope: TokenScope
  readonly token: Secret
  /** Null: every pool. */
  readonly pools: readonly string[] | null
}
