/** Which files differ between two commits, with counts and patches. */
import type { Repository } from '../world/repositories.ts'
import { git } from './run-git.ts'

export interface FileChange {
  readonly path: string
  readonly previousPath: string | undefined
  readonly status: 'added' | 'removed' | 'modified' | 'renamed'
  readonly additions: number
  readonly deletions: number
  /** The blob after the change; before it, when removed. */
  readonly blob: string
  /** Absent for binary files. */
  readonly patch: string | undefined
}

/** The tree without any file, which git knows in every repository. */
export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

export async function listFileChanges(repository: Repository, from: string, to: string): Promise<FileChange[]> {
  const between = ['-M', '--no-color', from, to, '--']
  const raw = await git(repository.directory, [
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--numstat',
    '--no-abbrev',
    ...between,
  ])
  const { changes, counts } = parseRaw(raw.toString().split('\0'))
  const patches = parsePatches((await git(repository.directory, ['diff-tree', '-r', '-p', ...between])).toString())
  return changes.map((change, index) => {
    const count = counts[index] ?? { additions: 0, deletions: 0 }
    return { ...change, ...count, patch: patches[index] }
  })
}

/** Names only, for webhooks: one process for the commit. */
export async function listChangedPaths(
  repository: Repository,
  sha: string,
): Promise<{ added: string[]; removed: string[]; modified: string[] }> {
  const output = await git(repository.directory, [
    'diff-tree',
    '-r',
    '-z',
    '--root',
    '--no-commit-id',
    '--name-status',
    '--no-renames',
    sha,
  ])
  const fields = output.toString().split('\0')
  const paths = { added: new Array<string>(), removed: new Array<string>(), modified: new Array<string>() }
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const path = fields[at + 1] ?? ''
    if (fields[at] === 'A') paths.added.push(path)
    else if (fields[at] === 'D') paths.removed.push(path)
    else paths.modified.push(path)
  }
  return paths
}

type Named = Pick<FileChange, 'path' | 'previousPath' | 'status' | 'blob'>
type Counted = Pick<FileChange, 'additions' | 'deletions'>

/** With `-z` the raw part comes first, then the counts in the same order. */
function parseRaw(fields: readonly string[]): { changes: Named[]; counts: Counted[] } {
  const changes: Named[] = []
  const counts: Counted[] = []
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? ''
    const [, before, after, letter] = /^:\d+ \d+ (\w+) (\w+) ([A-Z])\d*$/.exec(field) ?? []
    if (letter !== undefined && before !== undefined && after !== undefined) {
      const renamed = letter === 'R' || letter === 'C'
      const first = fields[at + 1] ?? ''
      changes.push({
        path: renamed ? (fields[at + 2] ?? '') : first,
        previousPath: renamed ? first : undefined,
        status: renamed ? 'renamed' : letter === 'A' ? 'added' : letter === 'D' ? 'removed' : 'modified',
        blob: letter === 'D' ? before : after,
      })
      at += renamed ? 2 : 1
      continue
    }
    const [, additions, deletions, path] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(field) ?? []
    if (additions === undefined || deletions === undefined) continue
    counts.push({ additions: Number(additions) || 0, deletions: Number(deletions) || 0 })
    if (path === '') at += 2
  }
  return { changes, counts }
}

/** The hunks of each file, in the order of the files. */
function parsePatches(output: string): (string | undefined)[] {
  return output
    .split(/^diff --git .*$/m)
    .slice(1)
    .map((section) => {
      const start = section.search(/^@@ /m)
      return start < 0 ? undefined : section.slice(start).replace(/\n$/, '')
    })
}
