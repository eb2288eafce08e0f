import type { Readable } from 'node:stream'
import { gitFolder } from './git-folder.ts'
import { archive, readBlob, treeSha } from './read-commit.ts'

/** One commit of a mirror as a thing of its own, in the shape that image builds and workspaces ask for. */
export interface MirroredCommit {
  readonly sha: string
  archive(folder: string): Readable
  readBlob(path: string): Promise<Buffer | undefined>
  treeSha(path: string): Promise<string | undefined>
  gitFolder(): Promise<Readable>
}

export function mirroredCommit(gitDir: string, sha: string): MirroredCommit {
  return {
    sha,
    archive: (folder) => archive(gitDir, sha, folder),
    readBlob: (path) => readBlob(gitDir, sha, path),
    treeSha: (path) => treeSha(gitDir, sha, path),
    gitFolder: () => gitFolder(gitDir, sha),
  }
}
