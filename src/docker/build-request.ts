import type { EngineRequest } from './engine.ts'
import type { Labels } from './labels.ts'
import { registryConfigHeader } from './registry-auth.ts'
import type { RegistryLogins } from './registry-auth.ts'

export interface ImageBuildOptions {
  /** Path inside the context. */
  readonly dockerfile: string
  readonly tags?: readonly string[]
  readonly target?: string | undefined
  readonly args?: Readonly<Record<string, string>>
  readonly platform?: string | undefined
  /** Written by `ownershipLabels('image', ...)`. */
  readonly labels: Labels
  /** For builds of code that is not trusted: the Engine's cache of the classic builder can be poisoned. */
  readonly noCache?: boolean
  /** `none` keeps RUN away from the network. */
  readonly network?: 'default' | 'none' | undefined
  /** The classic builder holds each step to these; BuildKit takes no limits from a request. */
  readonly limits?: { readonly memoryBytes: number; readonly cpus: number }
  readonly logins?: RegistryLogins
}

export type Builder = 'buildkit' | 'classic'

/** The Engine's default period; a quota is a share of it. */
const CPU_PERIOD_US = 100_000

export function buildRequest(options: ImageBuildOptions, builder: Builder): EngineRequest {
  return {
    method: 'POST',
    path: '/build',
    query: {
      version: builder === 'buildkit' ? '2' : '1',
      dockerfile: options.dockerfile,
      t: options.tags,
      target: options.target,
      buildargs: options.args ?? {},
      platform: options.platform,
      labels: options.labels,
      nocache: options.noCache ?? false,
      networkmode: options.network,
      // Without the second, a step that fails leaves its container behind.
      rm: true,
      forcerm: true,
      ...(builder === 'classic' && options.limits !== undefined
        ? {
            memory: options.limits.memoryBytes,
            memswap: options.limits.memoryBytes,
            cpuperiod: CPU_PERIOD_US,
            cpuquota: Math.round(options.limits.cpus * CPU_PERIOD_US),
          }
        : {}),
    },
    headers: { 'Content-Type': 'application/x-tar', ...registryConfigHeader(options.logins ?? {}) },
  }
}
