import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { PackageSource } from '../packages/ports.ts'
import type { Mirrors } from './mirror.ts'
import { packageCheckout } from './package-checkout.ts'
import { commitInfo, readBlob } from './read-commit.ts'

export interface GitPackageSourceOptions extends Pick<PackageSource, 'resolveTag' | 'packages'> {
  readonly mirrors: Mirrors
  /** An installation token to read with; undefined where none is needed. */
  readonly token: (repository: RepositoryRef) => Promise<string | undefined>
}

/** A file that lists dependencies; what is larger is none. */
const LARGEST_FILE = 1024 * 1024

/** Sources of packages out of the kept mirrors; what only GitHub knows is handed in. */
export function gitPackageSource(options: GitPackageSourceOptions): PackageSource {
  const { mirrors } = options
  const fetched = async (
    repository: RepositoryRef,
    sha: string,
    tag: string | null,
    signal?: AbortSignal,
  ): Promise<string> => {
    const source = {
      repositoryId: repository.id,
      cloneUrl: repository.cloneUrl,
      token: await options.token(repository),
      sha,
    }
    const result = await mirrors.fetchCommit(tag === null ? source : { ...source, refs: [`refs/tags/${tag}`] }, signal)
    switch (result.kind) {
      case 'fetched':
      case 'present':
        return mirrors.gitDir(repository.id)
      case 'missing':
        throw new SlipwayError('not_found', `commit ${sha} is not in ${repository.owner}/${repository.name} any more`)
      case 'refused':
      case 'unreachable':
        throw new SlipwayError(
          'github_unavailable',
          `${repository.owner}/${repository.name} cannot be fetched: ${result.message}`,
        )
    }
  }
  return {
    resolveTag: (repository, tag) => options.resolveTag(repository, tag),
    packages: (repository, sha) => options.packages(repository, sha),
    async readFile(repository, sha, path) {
      const mirror = await fetched(repository, sha, null)
      return (await readBlob(mirror, sha, path, LARGEST_FILE))?.toString('utf8') ?? null
    },
    async author(repository, sha) {
      const { authorName, authorEmail } = await commitInfo(await fetched(repository, sha, null), sha)
      return { name: authorName, email: authorEmail }
    },
    async *checkout(repository, { sha, tag }, signal) {
      const mirror = await fetched(repository, sha, tag, signal)
      yield* packageCheckout(mirror, { sha, tag, originUrl: repository.htmlUrl })
    },
  }
}
