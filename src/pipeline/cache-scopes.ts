import type { CacheScopes } from './stage-plan.ts'
import type { PipelineSource } from './pipeline-source.ts'

/**
 * A commit writes to the scope of its own branch, tag or pull request and reads the base's as well, so a pull request
 * starts warm and can never put something into the cache that a trusted branch will use.
 */
export function cacheScopes(source: PipelineSource): CacheScopes {
  const write = ownScope(source)
  const base = [source.baseBranch, source.defaultBranch]
    .filter((branch) => branch !== null)
    .map((branch) => `branch:${branch}`)
  return { write, read: [...new Set([write, ...base])] }
}

function ownScope(source: PipelineSource): string {
  if (source.pullRequest !== null) return `pull:${source.pullRequest}`
  if (source.event === 'merge_group') return `merge:${source.branch ?? source.ref}`
  if (source.tag !== null) return `tag:${source.tag}`
  return `branch:${source.branch ?? source.ref}`
}
