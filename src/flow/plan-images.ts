/** The planner of `deployability`: one run a commit for all its images and platforms. */
import type { RunJob } from '../core/run-store.ts'
import { planDeployability, type BuildHost, type DeployabilityPlan } from '../images/index.ts'
import { queuedCheck } from '../report/index.ts'
import type { RunPlanner } from './commit.ts'

export const DEPLOYABILITY_CHECK = 'deployability'
export const DEPLOYABILITY_JOB = 'run.deployability'
/** Fetching the source and reporting come on top of the images' own limits. */
const OVERHEAD_MS = 5 * 60_000

export interface HostCapacity extends BuildHost {
  readonly maxConcurrent: number
}

/** @param hostsOf the hosts that build, in the order of the admin's file */
export function deployabilityPlanner(hostsOf: (names: readonly string[]) => readonly HostCapacity[]): RunPlanner {
  return async (context) => {
    const { repository, sha, source, config, policy } = context
    // Tags point to commits that their branch has checked already.
    if (source.event === 'tag' || source.event === 'schedule') return []
    const hosts = hostsOf(policy.buildHosts)
    const images = Object.fromEntries(
      Object.entries(config.images).map(([key, image]) => [
        key,
        { ...image, timeoutMs: Math.min(image.timeoutMs, policy.limits.timeoutMs) },
      ]),
    )
    const plan = planDeployability({
      images,
      hosts,
      repositoryId: repository.id,
      publishBranch: source.event === 'push' && source.trust === 'trusted' ? source.branch : null,
      sha,
      treeSha: context.treeSha,
      useCache: context.useCache && source.trust === 'trusted',
    })
    if (plan === null) return []
    const limitMs = plan.targets.reduce((sum, target) => sum + target.image.timeoutMs, OVERHEAD_MS)
    return [
      {
        repositoryId: repository.id,
        sha,
        name: DEPLOYABILITY_CHECK,
        attempt: await context.attempt(DEPLOYABILITY_CHECK),
        kind: 'deployability',
        source,
        groupId: context.groupId,
        supersedeKey: context.supersedeKey,
        plan,
        timeoutMs: limitMs,
        report: queuedCheck('The build of the images'),
        story: `Images of ${sha.slice(0, 12)} after ${source.event} to ${source.ref}`,
        job: deployabilityJob(plan, hosts, policy.maxConcurrent),
      },
    ]
  }
}

export function deployabilityJob(
  plan: DeployabilityPlan,
  hosts: readonly HostCapacity[],
  repositoryCap: number,
): RunJob {
  const name = plan.targets[0]?.host ?? null
  const host = hosts.find((candidate) => candidate.name === name)
  return {
    kind: DEPLOYABILITY_JOB,
    lane: `host:${name ?? 'none'}`,
    ...(host === undefined ? {} : { laneCap: host.maxConcurrent }),
    repositoryCap,
  }
}
