/** Runs one below the other: state, what, where, what came of it, when. */
import type { RepositoryRecord } from '../flow/ports.ts'
import { refText } from './commit-links.tsx'
import type { RunLine } from './ports.ts'
import { RunBadge } from './state-badge.tsx'
import { Elapsed, Time } from './time.tsx'

export type Repositories = ReadonlyMap<number, Pick<RepositoryRecord, 'owner' | 'name'>>

export interface RunListProps {
  readonly runs: readonly RunLine[]
  /** Null on a page of one repository, where its name says nothing. */
  readonly repositories: Repositories | null
  readonly empty: string
  readonly now: number
}

export function RunList({ runs, repositories, empty, now }: RunListProps) {
  if (runs.length === 0) return <p class="empty">{empty}</p>
  return (
    <ul class="rows">
      {runs.map((run) => (
        <li>
          <a class="row" href={`/runs/${run.id}`}>
            <RunBadge run={run} bare />
            <span class="what">
              <b class="nowrap">{run.name}</b>
              <span class="soft clip">
                {nameOf(run, repositories)}
                <span class="mono">{refText(run.source)}</span>
              </span>
            </span>
            <span class="when">
              {run.startedAt === null || run.completedAt !== null ? (
                <Time at={run.completedAt ?? run.createdAt} />
              ) : (
                <Elapsed from={run.startedAt} to={null} now={now} />
              )}
            </span>
            <span class="line clip">{run.face.title}</span>
          </a>
        </li>
      ))}
    </ul>
  )
}

function nameOf(run: RunLine, repositories: Repositories | null): string {
  const repository = repositories?.get(run.repositoryId)
  return repository === undefined ? '' : `${repository.owner}/${repository.name} `
}
