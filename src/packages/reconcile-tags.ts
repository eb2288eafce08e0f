import { errorCode } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import { requestPackageBuilds, type RequestDeps } from './request-builds.ts'
import type { TagRef } from './ports.ts'
import { isTagName } from './tag-name.ts'

export interface TagFault {
  readonly tag: TagRef
  readonly error: unknown
}

/**
 * Compares all tags of a repository with what was built for them: GitHub sends nothing when more than three tags are
 * pushed at once, and a delivery may be lost. A tag is looked at once for each commit it ever names, so that a
 * repository with a thousand old tags costs one comparison, not a thousand reads of a configuration.
 *
 * A tag that cannot be handled stays unseen and is tried again; the others go on. Returns what failed.
 */
export async function reconcileTags(
  deps: RequestDeps,
  repository: RepositoryRef,
  tags: readonly TagRef[],
): Promise<readonly TagFault[]> {
  const faults: TagFault[] = []
  for (const tag of await deps.store.unseenTags(
    repository.id,
    tags.filter((one) => isTagName(one.tag)),
  )) {
    try {
      await handleTag(deps, repository, tag, 'reconcile', null)
    } catch (error) {
      faults.push({ tag, error })
      // The commit's file will never become right; GitHub shows what is wrong with it.
      if (errorCode(error) === 'config_invalid') await deps.store.seeTag(repository.id, tag)
    }
  }
  await deps.store.markDeletedTags(
    repository.id,
    tags.map((one) => one.tag),
  )
  return faults
}

/** What a pushed tag asks for. Safe to repeat. */
export async function handleTag(
  deps: RequestDeps,
  repository: RepositoryRef,
  tag: TagRef,
  event: 'tag' | 'reconcile',
  actor: string | null,
) {
  const result = await requestPackageBuilds(deps, { repository, ...tag, event, actor })
  await deps.store.seeTag(repository.id, tag)
  return result
}
