/** What a request by name means: which repository, and which of its packages. */
import type { Named, PackageConfig } from '../config/repository-config.ts'
import type { RepositoryRef } from '../core/events.ts'
import { fullNameOfUrl, withoutProtocol, type FullName } from './full-name.ts'
import type { RepositoryFinder } from './ports.ts'

export type FoundRepository =
  | { readonly kind: 'found'; readonly repository: RepositoryRef }
  | { readonly kind: 'unknown' }
  /** The name belongs to the repository at another address. */
  | { readonly kind: 'taken'; readonly url: string }

/**
 * The repository of a build request. Its address decides, because a package may be named differently than its
 * repository; nothing is ever cloned from an address that came with a request.
 */
export async function findRequestedRepository(
  finder: RepositoryFinder,
  name: FullName,
  cloneUrl: string,
): Promise<FoundRepository> {
  const path = fullNameOfUrl(cloneUrl)
  const byUrl = path === null ? null : await finder.findByName(path.owner, path.name)
  if (byUrl !== null && isAddressOf(cloneUrl, byUrl) && same(byUrl.owner, name.owner))
    return { kind: 'found', repository: byUrl }
  const byName = await finder.findByName(name.owner, name.name)
  return byName === null ? { kind: 'unknown' } : { kind: 'taken', url: withoutProtocol(byName.cloneUrl) }
}

export type ChosenPackage =
  | { readonly kind: 'one'; readonly key: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'several'; readonly keys: readonly string[] }

/** `owner/key` is that package; `owner/repository` the one of the same name, else the only one. */
export function choosePackage(packages: Named<PackageConfig>, repository: RepositoryRef, name: string): ChosenPackage {
  const keys = Object.keys(packages)
  const named = keys.find((key) => key === name) ?? keys.find((key) => same(key, name))
  if (named !== undefined) return { kind: 'one', key: named }
  if (!same(repository.name, name)) return { kind: 'none' }
  const [only] = keys
  if (only === undefined) return { kind: 'none' }
  return keys.length === 1 ? { kind: 'one', key: only } : { kind: 'several', keys }
}

/** GitHub's public name counts as well: behind a mirror or a proxy a repository is known by another address. */
function isAddressOf(url: string, repository: RepositoryRef): boolean {
  const asked = withoutProtocol(url).toLowerCase()
  const known = [repository.cloneUrl, repository.htmlUrl, `github.com/${repository.owner}/${repository.name}`]
  return known.some((address) => withoutProtocol(address).toLowerCase() === asked)
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
