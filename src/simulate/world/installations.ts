/** Where the app is installed and what an installation covers. */
import type { Installation } from './identities.ts'
import type { Repository } from './repositories.ts'
import type { World } from './world.ts'

export function covers(installation: Installation, repository: Repository): boolean {
  if (installation.deleted || repository.deleted || installation.accountId !== repository.ownerId) return false
  return installation.selection === 'all' || installation.repositoryIds.has(repository.id)
}

export function installationOf(world: World, repository: Repository): Installation | undefined {
  return [...world.installations.values()].find((installation) => covers(installation, repository))
}

export function repositoriesOf(world: World, installation: Installation): Repository[] {
  return [...world.repositories.values()].filter((repository) => covers(installation, repository))
}

export function installationsOf(world: World): Installation[] {
  return [...world.installations.values()].filter((installation) => !installation.deleted)
}
