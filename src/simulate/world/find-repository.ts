/** Finding repositories, commits behind names, and what a person may do. */
import type { PullRequest, Repository, Role } from './repositories.ts'
import type { World } from './world.ts'

export function fullName(world: World, repository: Repository): string {
  return `${world.accounts.get(repository.ownerId)?.login ?? 'ghost'}/${repository.name}`
}

/** By today's name, or by a name it once had (GitHub redirects those). */
export function findRepository(world: World, owner: string, name: string): Repository | undefined {
  const wanted = `${owner}/${name}`.toLowerCase()
  const alive = [...world.repositories.values()].filter((repository) => !repository.deleted)
  return (
    alive.find((repository) => fullName(world, repository).toLowerCase() === wanted) ??
    alive.find((repository) => repository.formerNames.has(wanted))
  )
}

export function roleOf(world: World, repository: Repository, userId: number): Role {
  if (repository.ownerId === userId) return 'admin'
  if (world.accounts.get(repository.ownerId)?.owners.has(userId) === true) return 'admin'
  return repository.collaborators.get(userId) ?? (repository.private ? 'none' : 'read')
}

export function mayPush(role: Role): boolean {
  return role === 'admin' || role === 'maintain' || role === 'write'
}

/** The commit behind a branch, tag, full ref name or SHA; `undefined` when refs do not know it (a SHA may still exist). */
export function commitOfRef(repository: Repository, ref: string): string | undefined {
  const names = [ref, `refs/${ref}`, `refs/heads/${ref}`, `refs/tags/${ref}`]
  for (const name of names) {
    const found = repository.refs.get(name)
    if (found !== undefined) return found.commit
  }
  return ref === 'HEAD' ? repository.refs.get(`refs/heads/${repository.defaultBranch}`)?.commit : undefined
}

export function pullRequestsWithHead(world: World, repositoryId: number, sha: string): PullRequest[] {
  return world.pullRequests.filter(
    (pull) =>
      pull.repositoryId === repositoryId &&
      pull.headRepositoryId === repositoryId &&
      pull.headSha === sha &&
      pull.state === 'open',
  )
}
