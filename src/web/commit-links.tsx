/** Ways back to GitHub, and between our own pages. */
import type { RepositoryRef } from '../core/events.ts'
import type { Run } from '../core/run.ts'

/** Long enough to be unique in a repository of any size that people read. */
const SHORT_SHA = 10

type Where = Pick<RepositoryRef, 'owner' | 'name' | 'htmlUrl'>

export function RepositoryLink({ repository }: { repository: Pick<Where, 'owner' | 'name'> }) {
  const { owner, name } = repository
  return <a href={repositoryPath(repository)}>{`${owner}/${name}`}</a>
}

export function repositoryPath({ owner, name }: Pick<Where, 'owner' | 'name'>): string {
  return `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`
}

export function CommitLink({ repository, sha }: { repository: Where; sha: string }) {
  return (
    <a class="mono" href={`${repository.htmlUrl}/commit/${encodeURIComponent(sha)}`} title={sha}>
      {sha.slice(0, SHORT_SHA)}
    </a>
  )
}

export function CommitText({ sha }: { sha: string }) {
  return (
    <span class="mono" title={sha}>
      {sha.slice(0, SHORT_SHA)}
    </span>
  )
}

/** The branch, tag or pull request that a run was made for. */
export function RefLink({ repository, run }: { repository: Where; run: Pick<Run, 'source'> }) {
  const { pullRequest, tag, branch, ref } = run.source
  if (pullRequest !== null) return <a href={`${repository.htmlUrl}/pull/${pullRequest}`}>{`#${pullRequest}`}</a>
  const name = tag ?? branch
  if (name === null) return <span class="mono">{ref}</span>
  return (
    <a class="mono" href={`${repository.htmlUrl}/tree/${encodePath(name)}`}>
      {name}
    </a>
  )
}

/** A place in a file at a commit. */
export function PlaceLink({
  repository,
  sha,
  path,
  line,
}: {
  repository: Where
  sha: string
  path: string
  line: number
}) {
  return (
    <a class="mono" href={`${repository.htmlUrl}/blob/${encodeURIComponent(sha)}/${encodePath(path)}#L${line}`}>
      {`${path}:${line}`}
    </a>
  )
}

/** The same as text, for lists whose rows are links already. */
export function refText({ pullRequest, tag, branch, ref }: Run['source']): string {
  if (pullRequest !== null) return `#${pullRequest}`
  return tag ?? branch ?? ref
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
