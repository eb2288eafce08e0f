import type { RepositoryLimits, RepositoryPolicy, RepositoryRule, ServerConfig } from './server-config.ts'
import { limitsSchema } from './server-schema.ts'

/**
 * What a repository (`owner/name`, any case) may do: the first entry of `repositories` that matches, else nothing but
 * building and testing on the first host that builds.
 */
export function resolveRepositoryPolicy(config: ServerConfig, fullName: string): RepositoryPolicy {
  const rule = config.repositories.find((entry) => matches(entry.pattern.toLowerCase(), fullName.toLowerCase()))
  if (rule === undefined) return unmatched(config)
  const { buildHosts, deployHosts } = hostsOf(rule, config)
  return {
    pattern: rule.pattern,
    buildHosts,
    deployHosts,
    deployBranches: rule.deployBranches,
    pools: rule.pools,
    forkPullRequests: rule.forkPullRequests,
    maxConcurrent: rule.maxConcurrent,
    limits: rule.limits,
    freeze: rule.freeze,
    requireApproval: rule.requireApproval,
    secrets: rule.secrets,
  }
}

export function defaultLimits(): RepositoryLimits {
  const limits = limitsSchema.parse({})
  return {
    memoryBytes: limits.memory,
    cpus: limits.cpus,
    pids: limits.pids,
    timeoutMs: limits.timeout,
    logBytes: limits.log,
  }
}

const DEFAULT_CONCURRENCY = 2

function unmatched(config: ServerConfig): RepositoryPolicy {
  return {
    pattern: null,
    buildHosts: firstBuilder(config),
    deployHosts: [],
    deployBranches: [],
    pools: [],
    forkPullRequests: 'approve',
    maxConcurrent: DEFAULT_CONCURRENCY,
    limits: defaultLimits(),
    freeze: [],
    requireApproval: [],
    secrets: {},
  }
}

/**
 * An entry without `hosts` means the only host there is; where there are several it grants no deployment. Hosts that
 * only deploy leave building to the first that builds.
 */
function hostsOf(rule: RepositoryRule, config: ServerConfig): Pick<RepositoryPolicy, 'buildHosts' | 'deployHosts'> {
  const only = config.hosts.length === 1 ? config.hosts : []
  const granted = rule.hosts?.flatMap((name) => config.hosts.filter((host) => host.name === name)) ?? only
  const builders = granted.filter((host) => host.builds).map((host) => host.name)
  return {
    buildHosts: builders.length > 0 ? builders : firstBuilder(config),
    deployHosts: granted.filter((host) => host.deploys).map((host) => host.name),
  }
}

function firstBuilder(config: ServerConfig): readonly string[] {
  const host = config.hosts.find((candidate) => candidate.builds)
  return host === undefined ? [] : [host.name]
}

function matches(pattern: string, fullName: string): boolean {
  return pattern.endsWith('/*')
    ? fullName.startsWith(pattern.slice(0, -1)) && fullName.length > pattern.length - 1
    : pattern === fullName
}
