/**
 * A folder of this machine as the source of a stage: in a git checkout its tracked and its untracked but not ignored
 * files, as they are now; elsewhere everything. `.git` and `.slipway` never go along.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack, type Pack } from 'tar-stream'
import { matchesGlob } from '../config/glob.ts'
import type { StageSource } from '../pipeline/ports.ts'
import { WORKSPACE_FOLDER } from '../pipeline/ports.ts'
import { runGit } from './run-git.ts'

const LEFT_OUT = ['.git', '.slipway']

export interface WorkingTree extends StageSource {
  /** The head commit, or zeros outside of git. */
  readonly sha: string
  readonly branch: string
}

export async function openWorkingTree(directory: string): Promise<WorkingTree> {
  const files = (await listFiles(directory)).filter((path) => !LEFT_OUT.includes(path.split('/')[0] ?? '')).toSorted()
  const head = await runGit(['rev-parse', 'HEAD'], { cwd: directory })
  const branch = await runGit(['rev-parse', '--abbrev-ref', 'HEAD'], { cwd: directory })
  return {
    sha: head.kind === 'done' ? head.stdout.toString('utf8').trim() : '0'.repeat(40),
    branch: branch.kind === 'done' ? branch.stdout.toString('utf8').trim() : 'local',
    tree: () => tarOf(directory, files),
    async hashFiles(pattern) {
      const matching = files.filter((path) => matchesGlob([pattern], path))
      if (matching.length === 0) return null
      const hash = createHash('sha256')
      for (const path of matching) hash.update(`${path}\0`).update(await contentOf(join(directory, path)))
      return hash.digest('hex').slice(0, 32)
    },
  }
}

async function listFiles(directory: string): Promise<readonly string[]> {
  const listed = await runGit(['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: directory })
  if (listed.kind === 'done')
    return [
      ...new Set(
        listed.stdout
          .toString('utf8')
          .split('\0')
          .filter((path) => path !== ''),
      ),
    ]
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}

function tarOf(directory: string, files: readonly string[]): Readable {
  const packed = pack()
  const output = packed.pipe(new PassThrough())
  addAll(packed, directory, files).then(
    () => packed.finalize(),
    (error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  return output
}

async function addAll(packed: Pack, directory: string, files: readonly string[]): Promise<void> {
  for (const path of files) {
    const found = await lstat(join(directory, path)).catch(() => null)
    const name = `${WORKSPACE_FOLDER}/${path}`
    // A file that git still lists and that is gone, or anything that is neither a file nor a link.
    if (found === null) continue
    if (found.isSymbolicLink()) {
      packed.entry({ name, type: 'symlink', linkname: await readlink(join(directory, path)) })
    } else if (found.isFile()) {
      const mode = (found.mode & 0o100) === 0 ? 0o666 : 0o777
      await pipeline(
        createReadStream(join(directory, path), { end: Math.max(0, found.size - 1) }),
        packed.entry({ name, mode, size: found.size }),
      )
    }
  }
}

async function contentOf(path: string): Promise<Buffer> {
  const found = await lstat(path)
  return found.isSymbolicLink() ? Buffer.from(await readlink(path)) : readFile(path)
}
