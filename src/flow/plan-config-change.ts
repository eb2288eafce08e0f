/** A pull request that changes slipway.yml gets the check `slipway`: what the changed file would do, before it is merged. */
import type { RepositoryRef } from '../core/events.ts'
import { REPOSITORY_CONFIG_PATH } from '../config/load-repository-config.ts'
import type { HostConfig } from '../config/server-config.ts'
import { refusalOf } from '../deployment/index.ts'
import { configPlanCheck, refusalLine } from '../report/index.ts'
import type { RunPlanner } from './commit.ts'

export interface ConfigChangeDeps {
  /** The file's text at a commit, null when it is not there. */
  readonly fileAt: (repository: RepositoryRef, path: string, sha: string) => Promise<string | null>
  readonly hosts: () => readonly HostConfig[]
}

const CHECK = 'slipway'
/** It is completed as soon as it is made. */
const TIMEOUT_MS = 60_000

export function configChangePlanner(deps: ConfigChangeDeps): RunPlanner {
  return async (context) => {
    const { source, repository, sha, before, config, policy } = context
    // A fork's own file decides about nothing, so there is nothing to show.
    if (source.event !== 'pull_request' || source.trust === 'fork' || before === null) return []
    const [now, former] = await Promise.all([
      deps.fileAt(repository, REPOSITORY_CONFIG_PATH, sha),
      deps.fileAt(repository, REPOSITORY_CONFIG_PATH, before),
    ])
    if (now === former) return []
    const hosts = deps.hosts()
    const report = configPlanCheck({
      path: REPOSITORY_CONFIG_PATH,
      isNew: former === null,
      images: Object.values(config.images),
      stages: Object.values(config.pipeline?.stages ?? {}),
      services: Object.values(config.services).map((service) => {
        const refusal = refusalOf(service, { policy, hosts })
        return { ...service, refusal: refusal === null ? null : refusalLine(refusal) }
      }),
      packages: Object.values(config.packages),
    })
    return [
      {
        repositoryId: repository.id,
        sha,
        name: CHECK,
        attempt: await context.attempt(CHECK),
        kind: 'config',
        source,
        groupId: context.groupId,
        supersedeKey: context.supersedeKey,
        plan: {},
        timeoutMs: TIMEOUT_MS,
        report,
        story: `Pull request ${source.pullRequest ?? ''} changes ${REPOSITORY_CONFIG_PATH}`,
        job: null,
      },
    ]
  }
}
