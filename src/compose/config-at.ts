/** Reads a repository's file at a commit from GitHub, remembering by tree what was read. */
import { loadRepositoryConfig, REPOSITORY_CONFIG_PATH, type LoadResult } from '../config/load-repository-config.ts'
import type { YamlParser } from '../config/yaml-parser.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { RepositoryReader } from '../github/read-repository.ts'
import type { ConfigCache } from '../store/config-cache.ts'

export function createConfigReader(reader: RepositoryReader, cache: ConfigCache, yaml: YamlParser) {
  return async (repository: RepositoryRef, sha: string, treeSha: string | null): Promise<LoadResult> => {
    const own = async (): Promise<string | null> => {
      const known = treeSha === null ? undefined : await cache.find(repository.id, treeSha)
      if (known !== undefined) return known
      const content = await reader.readFile(repository, REPOSITORY_CONFIG_PATH, sha)
      if (treeSha !== null && isStorable(content)) await cache.keep(repository.id, treeSha, content)
      return content
    }
    // Files of other repositories (`_extends`, the owner's `.github`) may change without this tree and are read anew.
    const readFile = async (where: { owner: string; name: string }, path: string, ref: string | null) =>
      where.owner === repository.owner && where.name === repository.name && path === REPOSITORY_CONFIG_PATH
        ? await own()
        : await reader.readFile({ ...where, installationId: repository.installationId }, path, ref)
    return await loadRepositoryConfig({ yaml, readFile }, { owner: repository.owner, name: repository.name }, sha)
  }
}

/** PostgreSQL's text cannot hold NUL; such a file is refused by the parser anyway. */
function isStorable(content: string | null): boolean {
  return content === null || !content.includes('\0')
}
