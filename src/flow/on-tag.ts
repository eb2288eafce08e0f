/** A tag was pushed. The commit is looked up unless the push said it, because an annotated tag is an object of its own. */
import type { RepositoryRef, TagPushed } from '../core/events.ts'
import type { Commit } from './commit.ts'
import type { FlowDeps } from './deps.ts'
import { planCommit } from './plan-commit.ts'

export async function onTagPushed(deps: FlowDeps, { repository, tag, sha, actor }: TagPushed): Promise<void> {
  await deps.repositories.keep(repository)
  const commitSha = sha ?? (await deps.truth.tagCommit(repository, tag))
  // Gone again before we looked.
  if (commitSha === null) return
  await planCommit(deps, commitOfTag(repository, tag, commitSha, actor))
  await deps.hooks.tagPushed(repository, tag, commitSha, actor)
}

export function commitOfTag(repository: RepositoryRef, tag: string, sha: string, actor: string | null): Commit {
  return {
    repository,
    sha,
    treeSha: null,
    source: { event: 'tag', trust: 'trusted', ref: `refs/tags/${tag}`, branch: null, tag, pullRequest: null, actor },
    supersedeKey: null,
    before: null,
    message: '',
    configSha: sha,
  }
}
