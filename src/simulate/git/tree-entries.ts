/** Reads trees, blobs, annotated tags and archives. */
import type { Repository } from '../world/repositories.ts'
import { git, tryGit } from './run-git.ts'

export interface TreeEntry {
  readonly mode: string
  readonly type: 'blob' | 'tree' | 'commit'
  readonly sha: string
  readonly size: number | undefined
  /** From the root that was asked for. */
  readonly path: string
}

export async function listTree(
  repository: Repository,
  sha: string,
  recursive: boolean,
): Promise<TreeEntry[] | undefined> {
  const outcome = await tryGit(repository.directory, ['ls-tree', '-z', '-l', ...(recursive ? ['-r', '-t'] : []), sha])
  if (outcome.code !== 0) return undefined
  return parseTree(outcome.stdout)
}

/** What stands at `path` in a commit; the root is a tree with the empty path. */
export async function findEntry(repository: Repository, commit: string, path: string): Promise<TreeEntry | undefined> {
  if (path === '') return { mode: '040000', type: 'tree', sha: commit, size: undefined, path }
  const outcome = await tryGit(repository.directory, ['ls-tree', '-z', '-l', commit, '--', `:(literal)${path}`])
  return outcome.code === 0 ? parseTree(outcome.stdout)[0] : undefined
}

export async function readBlob(repository: Repository, sha: string): Promise<Buffer | undefined> {
  const outcome = await tryGit(repository.directory, ['cat-file', 'blob', sha])
  return outcome.code === 0 ? outcome.stdout : undefined
}

export interface TagObject {
  readonly object: string
  readonly type: string
  readonly name: string
  readonly tagger: { readonly name: string; readonly email: string; readonly date: string }
  readonly message: string
}

export async function readTag(repository: Repository, sha: string): Promise<TagObject | undefined> {
  const outcome = await tryGit(repository.directory, ['cat-file', 'tag', sha])
  if (outcome.code !== 0) return undefined
  const source = outcome.stdout.toString()
  const [, object, type, name] = /^object (\w+)\ntype (\w+)\ntag (.+)\n/.exec(source) ?? []
  const [, tagger, email, seconds] = /^tagger (.*) <(.*)> (\d+) /m.exec(source) ?? []
  if (object === undefined || type === undefined || name === undefined) return undefined
  return {
    object,
    type,
    name,
    tagger: { name: tagger ?? '', email: email ?? '', date: new Date(Number(seconds ?? 0) * 1_000).toISOString() },
    message: source.slice(source.indexOf('\n\n') + 2).trimEnd(),
  }
}

export async function archive(
  repository: Repository,
  commit: string,
  format: 'tar.gz' | 'zip',
  prefix: string,
): Promise<Buffer> {
  return git(repository.directory, ['archive', `--format=${format}`, `--prefix=${prefix}/`, commit])
}

function parseTree(output: Buffer): TreeEntry[] {
  return output
    .toString()
    .split('\0')
    .flatMap((line) => {
      const [, mode, type, sha, size, path] = /^(\d+) (blob|tree|commit) (\w+) +(\d+|-)\t(.+)$/s.exec(line) ?? []
      if (mode === undefined || sha === undefined || path === undefined) return []
      const kind = type === 'tree' || type === 'commit' ? type : 'blob'
      return [{ mode, type: kind, sha, size: size === '-' ? undefined : Number(size), path }]
    })
}
