/** One repository: its branches and pull requests with their newest runs, what happened before, what it asks for. */
import type { PullRequestRef } from '../core/events.ts'
import type { BranchRecord, RepositoryRecord } from '../flow/ports.ts'
import { ConfigPlan, type ShownConfig } from './config-plan.tsx'
import { CommitLink } from './commit-links.tsx'
import { Page } from './layout.tsx'
import { LiveServices } from './live-services.tsx'
import { Durations } from './overview-page.tsx'
import type { DurationPoint, LiveService, RunLine } from './ports.ts'
import { RunList } from './run-list.tsx'
import type { Session } from './session.ts'
import { RunBadge } from './state-badge.tsx'

export interface RepositoryView {
  readonly session: Session | null
  readonly repository: RepositoryRecord
  readonly branches: readonly BranchRecord[]
  readonly pullRequests: readonly PullRequestRef[]
  /** Newest first. */
  readonly runs: readonly RunLine[]
  readonly live: readonly LiveService[]
  readonly durations: readonly DurationPoint[]
  readonly config: ShownConfig
  /** Address of the page with older runs, null when there are none. */
  readonly older: string | null
  readonly now: number
}

export function RepositoryPage({ view }: { view: RepositoryView }) {
  const { repository, now } = view
  return (
    <Page
      title={`${repository.owner}/${repository.name}`}
      session={view.session}
      active="overview"
      assets={['run.css', 'uplot.css', 'uplot.js', 'charts.js']}
    >
      <div class="head">
        <div>
          <p class="crumbs">
            <a href="/">Overview</a> / {repository.owner}
          </p>
          <h1>
            {repository.name} {repository.isPrivate ? <span class="tag">private</span> : null}
            {repository.isActive ? null : <span class="tag">not installed any more</span>}
          </h1>
        </div>
        <div class="actions">
          <a class="button" href={repository.htmlUrl}>
            On GitHub
          </a>
        </div>
      </div>
      <div class="columns aside" data-refresh>
        <div class="stack">
          {view.live.length === 0 ? null : (
            <section class="card" id="live" data-part>
              <header>
                <h2>Live</h2>
              </header>
              <LiveServices services={view.live} repositories={null} />
            </section>
          )}
          <section class="card" id="heads" data-part>
            <header>
              <h2>Branches and pull requests</h2>
            </header>
            <Heads view={view} />
          </section>
          <section class="card" id="history" data-part>
            <header>
              <h2>Runs</h2>
            </header>
            <RunList runs={view.runs} repositories={null} empty="No run yet." now={now} />
            {view.older === null ? null : (
              <p class="empty">
                <a href={view.older}>Older runs</a>
              </p>
            )}
          </section>
        </div>
        <aside class="stack">
          <section class="card" id="durations" data-part>
            <header>
              <h2>How long runs took</h2>
            </header>
            <Durations points={view.durations} now={now} />
          </section>
          <ConfigPlan config={view.config} repository={repository} />
        </aside>
      </div>
    </Page>
  )
}

interface Head {
  readonly label: string
  readonly detail: string
  readonly href: string
  readonly sha: string
}

function headsOf({ repository, branches, pullRequests }: RepositoryView): readonly Head[] {
  const pulls = pullRequests.map((pull) => ({
    label: `#${pull.number}`,
    detail: `${pull.title} by ${pull.author}${pull.isFork ? ', from a fork' : ''}`,
    href: `${repository.htmlUrl}/pull/${pull.number}`,
    sha: pull.headSha,
  }))
  const isDefault = (branch: BranchRecord): boolean => branch.name === repository.defaultBranch
  const rest = branches.toSorted((a, b) => Number(isDefault(b)) - Number(isDefault(a)) || a.name.localeCompare(b.name))
  return [
    ...rest.map((branch) => ({
      label: branch.name,
      detail: isDefault(branch) ? 'default branch' : '',
      href: `${repository.htmlUrl}/tree/${branch.name.split('/').map(encodeURIComponent).join('/')}`,
      sha: branch.headSha,
    })),
    ...pulls,
  ]
}

function Heads({ view }: { view: RepositoryView }) {
  const heads = headsOf(view)
  if (heads.length === 0) return <p class="empty">No branch was pushed since the app was installed.</p>
  return (
    <div class="scroll">
      <table>
        <tbody>
          {heads.map((head) => (
            <tr>
              <th scope="row" class="head-name">
                <a class="mono" href={head.href}>
                  {head.label}
                </a>
                <div class="soft small clip">{head.detail}</div>
              </th>
              <td class="nowrap">
                <CommitLink repository={view.repository} sha={head.sha} />
              </td>
              <td>
                <div class="checks">
                  {newestOf(view.runs, head.sha).map((run) => (
                    <a class="check" href={`/runs/${run.id}`}>
                      <RunBadge run={run} bare /> {run.name}
                    </a>
                  ))}
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function newestOf(runs: readonly RunLine[], sha: string): readonly RunLine[] {
  const newest = new Map<string, RunLine>()
  for (const run of runs) {
    const known = newest.get(run.name)
    if (run.sha === sha && (known === undefined || known.attempt < run.attempt)) newest.set(run.name, run)
  }
  return [...newest.values()].toSorted((a, b) => a.name.localeCompare(b.name))
}
