import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { matchesGlob } from '../config/glob.ts'
import type { StageSource } from '../pipeline/ports.ts'
import { WORKSPACE_FOLDER } from '../pipeline/ports.ts'
import { lsTree } from './read-commit.ts'
import { streamGit } from './run-git.ts'

/** A large tree over a slow disk. */
const ARCHIVE_TIMEOUT_MS = 15 * 60_000

const SHA = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/

/** A commit of a mirror as stages want it. The commit must have been fetched. */
export function commitSource(gitDir: string, sha: string): StageSource {
  if (!SHA.test(sha)) throw new TypeError(`not a commit: ${sha}`)
  return {
    tree: (): Readable =>
      // Steps run as whoever their image says, so the files are everybody's.
      streamGit(['archive', '--format=tar', `--prefix=${WORKSPACE_FOLDER}/`, sha, '--'], {
        gitDir,
        config: { 'tar.umask': '0' },
        timeoutMs: ARCHIVE_TIMEOUT_MS,
      }),
    async hashFiles(pattern) {
      const entries = await lsTree(gitDir, sha, '', { recursive: true })
      const matching = entries.filter((entry) => entry.type === 'blob' && matchesGlob([pattern], entry.path))
      if (matching.length === 0) return null
      const hash = createHash('sha256')
      for (const entry of matching) hash.update(`${entry.sha} ${entry.path}\0`)
      return hash.digest('hex').slice(0, 32)
    },
  }
}
