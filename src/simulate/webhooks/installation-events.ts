/** Installing, suspending, removing the app; adding and removing repositories. */
import { presentInstallation } from '../present/app.ts'
import { presentRepositoryName } from '../present/repository.ts'
import type { Account, Installation } from '../world/identities.ts'
import { repositoriesOf } from '../world/installations.ts'
import type { Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import { emitWebhook } from './emit-webhook.ts'

export type InstallationAction = 'created' | 'deleted' | 'suspend' | 'unsuspend' | 'new_permissions_accepted'

export function announceInstallation(
  world: World,
  installation: Installation,
  action: InstallationAction,
  sender: Account,
): void {
  const repositories = repositoriesOf(world, installation).map((repository) => presentRepositoryName(world, repository))
  const payload = { installation: presentInstallation(world, installation), repositories }
  emitWebhook(world, { event: 'installation', action, sender, installation, payload })
}

export function endInstallation(world: World, installation: Installation, sender: Account): void {
  announceInstallation(world, installation, 'deleted', sender)
  installation.deleted = true
}

export function suspendInstallation(world: World, installation: Installation, suspend: boolean, sender: Account): void {
  installation.updatedAt = world.now().toISOString()
  installation.suspendedAt = suspend ? installation.updatedAt : null
  installation.suspendedBy = suspend ? sender.id : null
  announceInstallation(world, installation, suspend ? 'suspend' : 'unsuspend', sender)
}

export function changeRepositories(
  world: World,
  installation: Installation,
  { added, removed, sender }: { added: readonly Repository[]; removed: readonly Repository[]; sender: Account },
): void {
  installation.selection = 'selected'
  for (const { id } of added) installation.repositoryIds.add(id)
  for (const { id } of removed) installation.repositoryIds.delete(id)
  installation.updatedAt = world.now().toISOString()
  const payload = {
    installation: presentInstallation(world, installation),
    repository_selection: installation.selection,
    repositories_added: added.map((repository) => presentRepositoryName(world, repository)),
    repositories_removed: removed.map((repository) => presentRepositoryName(world, repository)),
    requester: null,
  }
  if (added.length > 0)
    emitWebhook(world, { event: 'installation_repositories', action: 'added', sender, installation, payload })
  if (removed.length > 0)
    emitWebhook(world, { event: 'installation_repositories', action: 'removed', sender, installation, payload })
}
