/** Reads commits: one by its id, the log behind one, and what lies between two. */
import { commitOfRef } from '../world/find-repository.ts'
import type { Commit, Repository } from '../world/repositories.ts'
import { git, tryGit } from './run-git.ts'

/** Fields end in NUL and commits in a record separator, which commit messages do not hold. */
const logFormat = '--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x1e'

/** The commit a branch, tag, full ref name or commit id means; `undefined` when there is none. */
export async function findCommit(repository: Repository, ref: string): Promise<Commit | undefined> {
  const sha = commitOfRef(repository, ref) ?? (/^[0-9a-f]{7,40}$/i.test(ref) ? ref.toLowerCase() : undefined)
  if (sha === undefined) return undefined
  const known = repository.knownCommits.get(sha)
  if (known !== undefined) return known
  const outcome = await tryGit(repository.directory, ['log', '-1', logFormat, sha, '--'])
  const commit = outcome.code === 0 ? parseLog(outcome.stdout)[0] : undefined
  if (commit !== undefined) repository.knownCommits.set(commit.sha, commit)
  return commit
}

/** Newest first. `range` is what `git log` takes: a commit id, or `a..b`. */
export async function listCommits(
  repository: Repository,
  range: string,
  options: { path?: string; limit?: number } = {},
): Promise<Commit[]> {
  const paths = options.path === undefined ? [] : [`:(literal)${options.path}`]
  const output = await git(repository.directory, [
    'log',
    `--max-count=${options.limit ?? 1_000}`,
    logFormat,
    range,
    '--',
    ...paths,
  ])
  const commits = parseLog(output)
  for (const commit of commits) repository.knownCommits.set(commit.sha, commit)
  return commits
}

export async function mergeBase(repository: Repository, one: string, other: string): Promise<string | undefined> {
  const outcome = await tryGit(repository.directory, ['merge-base', one, other])
  return outcome.code === 0 ? outcome.stdout.toString().trim() : undefined
}

export async function isAncestor(repository: Repository, older: string, newer: string): Promise<boolean> {
  return (
    older === newer || (await tryGit(repository.directory, ['merge-base', '--is-ancestor', older, newer])).code === 0
  )
}

function parseLog(output: Buffer): Commit[] {
  return output
    .toString()
    .split('\x1e')
    .map((record) => record.replace(/^\n/, '').split('\0'))
    .flatMap(([sha, tree, parents, an, ae, ad, cn, ce, cd, message]) => {
      if (sha === undefined || tree === undefined || message === undefined) return []
      return [
        {
          sha,
          tree,
          parents: parents === undefined || parents === '' ? [] : parents.split(' '),
          author: { name: an ?? '', email: ae ?? '', date: toUtc(ad) },
          committer: { name: cn ?? '', email: ce ?? '', date: toUtc(cd) },
          message: message.replace(/\n$/, ''),
        },
      ]
    })
}

function toUtc(date: string | undefined): string {
  return new Date(date ?? 0).toISOString().replace('.000Z', 'Z')
}
