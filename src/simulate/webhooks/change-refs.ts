/** Any change of a repository's refs: done in turn, read back from git, and announced. */
import { readRefs } from '../git/bare-repository.ts'
import { takeTurn } from '../git/take-turn.ts'
import type { Account } from '../world/identities.ts'
import type { Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import { announceRefChanges } from './ref-events.ts'

export function changeRefs<T>(
  world: World,
  repository: Repository,
  sender: Account,
  change: () => Promise<T>,
): Promise<T> {
  return takeTurn(repository, async () => {
    const before = repository.refs
    const result = await change()
    repository.refs = await readRefs(repository.directory)
    await announceRefChanges(world, repository, before, sender)
    return result
  })
}
