/** Questions to a mirror. Everything is read from objects; nothing is ever checked out. */
import type { Readable } from 'node:stream'
import { SlipwayError } from '../core/errors.ts'
import { gitOutput, runGit, streamGit } from './run-git.ts'

export interface TreeEntry {
  readonly path: string
  /** `commit` is a submodule. */
  readonly type: 'blob' | 'tree' | 'commit'
  readonly sha: string
  readonly executable: boolean
  readonly symlink: boolean
  /** Bytes of a blob. */
  readonly size: number | undefined
}

export interface CommitInfo {
  readonly sha: string
  readonly treeSha: string
  readonly parents: readonly string[]
  readonly message: string
  readonly authorName: string
  readonly authorEmail: string
  /** ISO 8601 with the author's offset. */
  readonly authoredAt: string
}

/** A monorepo's archive over a slow disk; a stuck reader must not keep git for ever. */
const ARCHIVE_TIMEOUT_MS = 30 * 60_000
const MAX_BLOB_BYTES = 16 * 1024 * 1024

/**
 * The tree of a commit, or one folder of it, as a tar stream with paths from the repository's root.
 * Symbolic links stay links, submodules are empty folders, large files stay the pointers that are in the tree.
 */
export function archive(gitDir: string, sha: string, folder = ''): Readable {
  const path = folder === '' || folder === '.' ? [] : [folder]
  return streamGit(['archive', '--format=tar', checkedSha(sha), '--', ...path], {
    gitDir,
    timeoutMs: ARCHIVE_TIMEOUT_MS,
  })
}

/** Every file below a folder, or the direct entries only. Missing folders have none. */
export async function lsTree(
  gitDir: string,
  sha: string,
  folder = '',
  options: { readonly recursive?: boolean } = {},
): Promise<readonly TreeEntry[]> {
  const path = folder === '' || folder === '.' ? [] : [`${folder}/`]
  const flags = options.recursive === true ? ['-r', '-t'] : []
  const listing = await gitOutput(
    ['ls-tree', '-z', '--long', '--full-tree', ...flags, checkedSha(sha), '--', ...path],
    { gitDir },
  )
  return listing
    .toString('utf8')
    .split('\0')
    .filter((line) => line !== '')
    .map(parseEntry)
}

/** The bytes of a file; undefined where there is none (also for folders and links). Throws when it is larger than the limit. */
export async function readBlob(
  gitDir: string,
  sha: string,
  path: string,
  maxBytes = MAX_BLOB_BYTES,
): Promise<Buffer | undefined> {
  const entry = await entryAt(gitDir, sha, path)
  if (entry === undefined || entry.type !== 'blob' || entry.symlink) return undefined
  return gitOutput(['cat-file', 'blob', entry.sha], { gitDir, maxBytes })
}

/** Sha of a folder's tree or of a file's blob: equal shas mean equal content. Undefined where the path is not there. */
export async function treeSha(gitDir: string, sha: string, path = ''): Promise<string | undefined> {
  if (path === '' || path === '.')
    return (await gitOutput(['rev-parse', '--verify', `${checkedSha(sha)}^{tree}`], { gitDir })).toString('utf8').trim()
  return (await entryAt(gitDir, sha, path))?.sha
}

/** The entry a path names, links not followed. */
export async function entryAt(gitDir: string, sha: string, path: string): Promise<TreeEntry | undefined> {
  if (path === '' || path.startsWith('/') || path.endsWith('/') || path.split('/').includes('..')) return undefined
  const listing = await gitOutput(['ls-tree', '-z', '--long', '--full-tree', checkedSha(sha), '--', path], { gitDir })
  const line = listing.toString('utf8').split('\0')[0]
  return line === undefined || line === '' ? undefined : parseEntry(line)
}

/** Paths that differ between two commits, both names of a rename. */
export async function changedFiles(gitDir: string, base: string, head: string): Promise<readonly string[]> {
  const listing = await gitOutput(
    ['diff-tree', '-r', '-z', '--no-renames', '--name-only', checkedSha(base), checkedSha(head)],
    { gitDir },
  )
  return listing
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '')
}

/** The newest common ancestor; undefined for histories that never met. Both commits must have been fetched. */
export async function mergeBase(gitDir: string, one: string, other: string): Promise<string | undefined> {
  const result = await runGit(['merge-base', checkedSha(one), checkedSha(other)], { gitDir })
  if (result.kind === 'done') return result.stdout.toString('utf8').trim()
  if (result.exitCode === 1) return undefined
  throw new SlipwayError('internal', `git merge-base failed: ${result.stderr.trim()}`)
}

/** Every commit is its own ancestor. Both commits must have been fetched. */
export async function isAncestor(gitDir: string, ancestor: string, descendant: string): Promise<boolean> {
  const result = await runGit(['merge-base', '--is-ancestor', checkedSha(ancestor), checkedSha(descendant)], { gitDir })
  if (result.kind === 'done') return true
  if (result.exitCode === 1) return false
  throw new SlipwayError('internal', `git merge-base failed: ${result.stderr.trim()}`)
}

export async function commitInfo(gitDir: string, sha: string): Promise<CommitInfo> {
  const format = '%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%B'
  const output = await gitOutput(
    [
      'show',
      '--no-patch',
      '--no-show-signature',
      '--encoding=UTF-8',
      `--format=${format}`,
      `${checkedSha(sha)}^{commit}`,
    ],
    { gitDir },
  )
  const [full = '', tree = '', parents = '', authorName = '', authorEmail = '', authoredAt = '', ...message] = output
    .toString('utf8')
    .split('\0')
  return {
    sha: full,
    treeSha: tree,
    parents: parents.split(' ').filter((parent) => parent !== ''),
    message: message.join('').trimEnd(),
    authorName,
    authorEmail,
    authoredAt,
  }
}

/** mode, type, sha, size, then the path after a tab. */
function parseEntry(line: string): TreeEntry {
  const tab = line.indexOf('\t')
  const [mode = '', type = '', sha = '', size = '-'] = line.slice(0, tab).split(/ +/)
  return {
    path: line.slice(tab + 1),
    type: type === 'tree' || type === 'commit' ? type : 'blob',
    sha,
    executable: mode === '100755',
    symlink: mode === '120000',
    size: size === '-' ? undefined : Number(size),
  }
}

/** A name that git could read as an option or as a revision expression never reaches it. */
function checkedSha(sha: string): string {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(sha))
    throw new SlipwayError('request_invalid', `${JSON.stringify(sha)} is not a commit's sha`)
  return sha
}
