/**
 * A webhook is a hint, GitHub's API is the truth: on start and every few minutes heads of branches, pull requests and
 * tags are compared with what we know, and what is missing goes through the same handlers as if its webhook had come.
 */
import { errorMessage } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { FlowDeps, InstallationTruth } from './deps.ts'
import { onBranchDeleted, onBranchPushed } from './on-branch.ts'
import { onInstallationChanged, onInstallationRepositoriesChanged } from './on-installation.ts'
import { onPullRequestChanged, onPullRequestClosed } from './on-pull-request.ts'
import type { RepositoryRecord } from './ports.ts'

export async function reconcileAll(deps: FlowDeps, signal: AbortSignal): Promise<void> {
  await reconcileInstallations(deps, signal)
  for (const repository of await deps.repositories.listActive()) {
    if (signal.aborted) return
    try {
      await reconcileRepository(deps, repository)
    } catch (error) {
      // One repository that GitHub does not answer for must not keep the others from being looked at.
      deps.logger.warn(
        { repository: `${repository.owner}/${repository.name}`, err: errorMessage(error) },
        'could not reconcile a repository',
      )
    }
  }
}

/** Ours are read before GitHub's, so that what was added in between is not taken for removed. */
async function reconcileInstallations(deps: FlowDeps, signal: AbortSignal): Promise<void> {
  const known = await deps.repositories.activeInstallations()
  const installed = await deps.truth.installations()
  const gone = known.filter((id) => !installed.some((installation) => installation.id === id))
  for (const installationId of gone) {
    const change = { kind: 'installation_changed', account: '', permissions: {}, repositories: [] } as const
    await onInstallationChanged(deps, { ...change, installationId, change: 'deleted' })
  }
  for (const installation of installed) {
    if (signal.aborted) return
    try {
      await reconcileInstallation(deps, installation, known.includes(installation.id))
    } catch (error) {
      deps.logger.warn(
        { installation: installation.id, err: errorMessage(error) },
        'could not reconcile an installation',
      )
    }
  }
}

async function reconcileInstallation(
  deps: FlowDeps,
  installation: InstallationTruth,
  wasActive: boolean,
): Promise<void> {
  const { id: installationId, account, permissions, isSuspended } = installation
  if (isSuspended) {
    const change = { kind: 'installation_changed', installationId, account, permissions, repositories: [] } as const
    if (wasActive) await onInstallationChanged(deps, { ...change, change: 'suspended' })
    return
  }
  await deps.repositories.keepInstallation({ id: installationId, account, permissions, isSuspended, isDeleted: false })
  const ours = (await deps.repositories.repositoriesOfInstallation(installationId)).filter(({ isActive }) => isActive)
  const theirs = await deps.truth.installationRepositories(installationId)
  for (const repository of theirs) await deps.repositories.keep(repository)
  const removed = ours.filter(({ id }) => !theirs.some((repository) => repository.id === id))
  if (removed.length === 0) return
  await onInstallationRepositoriesChanged(deps, {
    kind: 'installation_repositories_changed',
    installationId,
    added: [],
    removed,
  })
}

export async function reconcileRepository(deps: FlowDeps, repository: RepositoryRecord): Promise<void> {
  const branches = await reconcileBranches(deps, repository)
  const openPullRequests = await reconcilePullRequests(deps, repository)
  const tags = new Map((await deps.truth.tags(repository)).map((tag) => [tag.name, tag.sha]))
  await deps.hooks.reconcile(repository, { branches, tags, openPullRequests })
}

async function reconcileBranches(deps: FlowDeps, repository: RepositoryRef): Promise<ReadonlyMap<string, string>> {
  const known = new Map((await deps.refs.branches(repository.id)).map((branch) => [branch.name, branch.headSha]))
  const heads = new Map((await deps.truth.branches(repository)).map((branch) => [branch.name, branch.sha]))
  const isNew = known.size === 0
  for (const [branch, sha] of heads) {
    if (known.get(branch) === sha || branch.startsWith('gh-readonly-queue/')) continue
    if (isNew && !isWatched(deps, repository, branch)) {
      // A repository that was just installed is not flooded with checks of old branches.
      await deps.refs.keepBranch(repository.id, { name: branch, headSha: sha, previousSha: null, treeSha: null }, null)
      continue
    }
    const commit = await deps.truth.commit(repository, sha)
    await onBranchPushed(deps, {
      kind: 'branch_pushed',
      repository,
      branch,
      sha,
      before: known.get(branch) ?? null,
      treeSha: commit?.treeSha ?? null,
      message: commit?.message ?? '',
      forced: false,
      actor: null,
    })
  }
  for (const branch of known.keys()) {
    if (!heads.has(branch)) await onBranchDeleted(deps, { kind: 'branch_deleted', repository, branch })
  }
  return heads
}

function isWatched(deps: FlowDeps, repository: RepositoryRef, branch: string): boolean {
  return branch === repository.defaultBranch || deps.policyOf(repository).deployBranches.includes(branch)
}

async function reconcilePullRequests(deps: FlowDeps, repository: RepositoryRef) {
  const known = await deps.refs.openPullRequests(repository.id)
  const open = await deps.truth.openPullRequests(repository)
  for (const pullRequest of open) {
    const before = known.find((one) => one.number === pullRequest.number)
    if (before?.headSha === pullRequest.headSha && before.baseRef === pullRequest.baseRef) continue
    await onPullRequestChanged(deps, { kind: 'pull_request_changed', repository, pullRequest, actor: null })
  }
  for (const pullRequest of known) {
    if (open.some((one) => one.number === pullRequest.number)) continue
    await onPullRequestClosed(deps, { kind: 'pull_request_closed', repository, pullRequest, merged: false })
  }
  return open
}
