/** Where things are found: all addresses are below the simulation's own origin. */
import type { Repository } from '../world/repositories.ts'
import { fullName } from '../world/find-repository.ts'
import type { World } from '../world/world.ts'

export function apiUrl(world: World, path = ''): string {
  return `${world.origin}/api/v3${path}`
}

export function repositoryApi(world: World, repository: Repository): string {
  return apiUrl(world, `/repos/${fullName(world, repository)}`)
}

export function repositoryPage(world: World, repository: Repository): string {
  return `${world.origin}/${fullName(world, repository)}`
}

/** GitHub's opaque ids: stable for a thing, meaningless to clients. */
export function nodeId(kind: string, id: number | string): string {
  return Buffer.from(`${kind}:${id}`).toString('base64url')
}
