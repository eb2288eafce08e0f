/** Merges two commits without a working tree, as GitHub does for `refs/pull/N/merge`. */
import type { Repository } from '../world/repositories.ts'
import { git, tryGit } from './run-git.ts'

/** The merge commit's id, or `undefined` when the two conflict. */
export async function mergeCommits(
  repository: Repository,
  into: string,
  from: string,
  message: string,
): Promise<string | undefined> {
  const merged = await tryGit(repository.directory, ['merge-tree', '--write-tree', into, from])
  if (merged.code !== 0) return undefined
  const tree = merged.stdout.toString().split('\n')[0] ?? ''
  const output = await git(repository.directory, ['commit-tree', tree, '-p', into, '-p', from, '-m', message])
  return output.toString().trim()
}

export async function updateRef(repository: Repository, name: string, sha: string): Promise<void> {
  await git(repository.directory, ['update-ref', name, sha])
}

export async function deleteRef(repository: Repository, name: string): Promise<void> {
  await git(repository.directory, ['update-ref', '-d', name])
}

/** An annotated tag object; its id. The caller points a ref at it. */
export async function writeTagObject(
  repository: Repository,
  name: string,
  commit: string,
  message: string,
  when: Date,
): Promise<string> {
  const source = `object ${commit}\ntype commit\ntag ${name}\ntagger Simulated GitHub <noreply@localhost.invalid> ${Math.floor(when.getTime() / 1_000)} +0000\n\n${message}\n`
  return (await git(repository.directory, ['mktag'], Buffer.from(source))).toString().trim()
}
