import { existsSync } from 'node:fs'
import { z } from 'zod'
import type { DockerHost } from './connect-host.ts'
import type { DockerEngine } from './engine.ts'

export interface HostInfo {
  readonly version: string
  readonly apiVersion: string
  /** The Engine's own platform in Docker's words, such as linux/amd64. */
  readonly platform: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly buildkit: boolean
  /** This node takes part in a Swarm and may change services. */
  readonly swarmManager: boolean
  readonly runtimes: readonly string[]
  /**
   * False when the kernel lacks IPVS: ports that Swarm publishes through its routing mesh then refuse every
   * connection while Swarm reports that all is well. Undefined outside a Swarm and where it cannot be told from here.
   */
  readonly ingressWorks: boolean | undefined
  /** The Engine's own warnings, for the admin. */
  readonly warnings: readonly string[]
}

/** A host that takes longer than this to say hello is treated as away; readiness waits for it. */
const PING_TIMEOUT_MS = 5_000

/** Throws host_unreachable when the Engine does not answer. */
export async function pingHost(engine: DockerEngine): Promise<void> {
  await engine.call({ method: 'GET', path: '/_ping' }, { timeoutMs: PING_TIMEOUT_MS })
}

export async function describeHost(host: DockerHost): Promise<HostInfo> {
  const { engine } = host
  const [version, info] = await Promise.all([
    engine.call({ method: 'GET', path: '/version' }).then((answer) => versionAnswer.parse(answer)),
    engine.call({ method: 'GET', path: '/info' }).then((answer) => infoAnswer.parse(answer)),
  ])
  const swarmManager = info.Swarm?.LocalNodeState === 'active' && info.Swarm.ControlAvailable === true
  return {
    version: version.Version,
    apiVersion: version.ApiVersion,
    platform: `${version.Os}/${version.Arch}`,
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    buildkit: offersBuildkit(version),
    swarmManager,
    runtimes: Object.keys(info.Runtimes ?? {}),
    ingressWorks: swarmManager ? await hasIpvs(host) : undefined,
    warnings: info.Warnings ?? [],
  }
}

/** The kernel shows this file in every network namespace once IPVS is loaded, which joining a Swarm does where it exists. */
const IPVS_TABLE = '/proc/net/ip_vs'

async function hasIpvs(host: DockerHost): Promise<boolean | undefined> {
  if (host.local) return existsSync(IPVS_TABLE)
  if (host.shell === undefined) return undefined
  return (await host.shell.exec(['test', '-e', IPVS_TABLE])).exitCode === 0
}

/** BuildKit came with API 1.39 on Linux; Windows engines never had it. */
function offersBuildkit(version: z.infer<typeof versionAnswer>): boolean {
  const [major = 0, minor = 0] = version.ApiVersion.split('.').map(Number)
  return version.Os === 'linux' && (major > 1 || minor >= 39)
}

const versionAnswer = z.object({ Version: z.string(), ApiVersion: z.string(), Os: z.string(), Arch: z.string() })

const infoAnswer = z.object({
  NCPU: z.number(),
  MemTotal: z.number(),
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
  Warnings: z.array(z.string()).nullish(),
  Swarm: z.object({ LocalNodeState: z.string(), ControlAvailable: z.boolean().optional() }).nullish(),
})
