/** The app was installed, suspended or removed, or a repository came, went or got another name. Records stay, by id. */
import type { InstallationChanged, InstallationRepositoriesChanged, RepositoryChanged } from '../core/events.ts'
import type { FlowDeps } from './deps.ts'
import { cancelAll } from './supersede.ts'

export async function onInstallationChanged(deps: FlowDeps, event: InstallationChanged): Promise<void> {
  const { installationId, change } = event
  await deps.repositories.keepInstallation({
    id: installationId,
    account: event.account,
    permissions: event.permissions,
    isSuspended: change === 'suspended',
    isDeleted: change === 'deleted',
  })
  if (change === 'suspended' || change === 'deleted') {
    const repositories = await deps.repositories.repositoriesOfInstallation(installationId)
    await stopWork(deps, repositories, `the installation was ${change}`)
    if (change === 'deleted') await deps.repositories.remove(repositories.map((repository) => repository.id))
    return
  }
  if (change === 'created' || change === 'unsuspended') await keepRepositories(deps, installationId)
}

export async function onInstallationRepositoriesChanged(
  deps: FlowDeps,
  event: InstallationRepositoriesChanged,
): Promise<void> {
  const { removed } = event
  if (removed.length > 0) {
    await stopWork(deps, removed, 'the repository was removed from the installation')
    await deps.repositories.remove(removed.map((repository) => repository.id))
  }
  if (event.added.length > 0) await keepRepositories(deps, event.installationId)
}

export async function onRepositoryChanged(deps: FlowDeps, { repository, change }: RepositoryChanged): Promise<void> {
  await deps.repositories.keep(repository)
  if (change !== 'deleted' && change !== 'archived') return
  await stopWork(deps, [repository], `the repository was ${change}`)
  await deps.repositories.remove([repository.id])
}

async function keepRepositories(deps: FlowDeps, installationId: number): Promise<void> {
  for (const repository of await deps.truth.installationRepositories(installationId)) {
    await deps.repositories.keep(repository)
  }
}

async function stopWork(
  deps: FlowDeps,
  repositories: readonly { readonly id: number; readonly owner: string; readonly name: string }[],
  words: string,
): Promise<void> {
  for (const { id } of repositories) {
    await cancelAll(deps.runs, { repositoryId: id }, { reason: 'installation', words, by: 'slipway' })
  }
  await deps.hooks.repositoriesGone(repositories)
}
