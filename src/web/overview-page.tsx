/** The first page: what is running, what failed, what is live. */
import type { RepositoryRecord } from '../flow/ports.ts'
import { Chart, type ChartSeries } from './chart.tsx'
import { repositoryPath } from './commit-links.tsx'
import { Page } from './layout.tsx'
import { LiveServices } from './live-services.tsx'
import type { DurationPoint, LiveService, LoadPoint, RunLine } from './ports.ts'
import { RunList, type Repositories } from './run-list.tsx'
import type { Session } from './session.ts'

/** How far the drawings look back. */
export const DURATION_DAYS = 14

export interface OverviewView {
  readonly session: Session | null
  readonly repositories: readonly RepositoryRecord[]
  readonly open: readonly RunLine[]
  readonly failed: readonly RunLine[]
  readonly recent: readonly RunLine[]
  readonly live: readonly LiveService[]
  readonly durations: readonly DurationPoint[]
  readonly load: readonly LoadPoint[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

export function OverviewPage({ view }: { view: OverviewView }) {
  const names: Repositories = new Map(view.repositories.map((repository) => [repository.id, repository]))
  const { now } = view
  return (
    <Page title="Slipway" session={view.session} active="overview" assets={['uplot.css', 'uplot.js', 'charts.js']}>
      <h1 class="hidden-text">Overview</h1>
      <div class="stack" data-refresh>
        <Tiles view={view} />
        <div class="columns two">
          <section class="card" id="open" data-part>
            <header>
              <h2>Running and waiting</h2>
            </header>
            <RunList runs={view.open} repositories={names} empty="Nothing is running." now={now} />
          </section>
          <section class="card" id="failed" data-part>
            <header>
              <h2>Failed in the last week</h2>
            </header>
            <RunList runs={view.failed} repositories={names} empty="Nothing failed." now={now} />
          </section>
        </div>
        <section class="card" id="live" data-part>
          <header>
            <h2>Live</h2>
            <a href="/services">All services</a>
          </header>
          <LiveServices services={view.live} repositories={names} />
        </section>
        <div class="columns two">
          <section class="card" id="durations" data-part>
            <header>
              <h2>How long runs took</h2>
              <span class="soft small">{`${DURATION_DAYS} days`}</span>
            </header>
            <Durations points={view.durations} now={now} />
          </section>
          <section class="card" id="load" data-part>
            <header>
              <h2>Queue</h2>
              <span class="soft small">24 hours</span>
            </header>
            <Load points={view.load} />
          </section>
        </div>
        <div class="columns two">
          <section class="card" id="recent" data-part>
            <header>
              <h2>Newest</h2>
            </header>
            <RunList
              runs={view.recent}
              repositories={names}
              empty="No run yet. Push to a repository that has a .github/slipway.yml."
              now={now}
            />
          </section>
          <section class="card" id="repositories" data-part>
            <header>
              <h2>Repositories</h2>
              <span class="soft small">{view.repositories.length}</span>
            </header>
            <RepositoryList repositories={view.repositories} />
          </section>
        </div>
      </div>
    </Page>
  )
}

function Tiles({ view }: { view: OverviewView }) {
  const running = view.open.filter((run) => run.state === 'in_progress').length
  const waiting = view.open.length - running
  return (
    <div class="tiles" id="tiles" data-part>
      <a class={`tile${running > 0 ? ' busy' : ''}`} href="#open">
        <b>{running}</b>
        <span>running</span>
      </a>
      <a class="tile" href="#open">
        <b>{waiting}</b>
        <span>waiting</span>
      </a>
      <a class={`tile${view.failed.length > 0 ? ' bad' : ''}`} href="#failed">
        <b>{view.failed.length}</b>
        <span>failed this week</span>
      </a>
      <a class={`tile${view.live.length > 0 ? ' good' : ''}`} href="#live">
        <b>{view.live.length}</b>
        <span>live services</span>
      </a>
      <a class="tile" href="#repositories">
        <b>{view.repositories.length}</b>
        <span>repositories</span>
      </a>
    </div>
  )
}

/** @param now milliseconds since the epoch */
export function Durations({ points, now }: { points: readonly DurationPoint[]; now: number }) {
  if (points.length === 0) return <p class="empty">No run has ended yet.</p>
  const of = (isGood: boolean) =>
    points.map((point) => (point.isGood === isGood ? Math.max(0.05, point.seconds) : null))
  const series: readonly ChartSeries[] = [
    { label: 'succeeded', tone: 'good', as: 'points', values: of(true) },
    { label: 'failed', tone: 'bad', as: 'points', values: of(false) },
  ]
  return (
    <Chart
      label={`Durations of ${points.length} runs, ${points.filter((point) => !point.isGood).length} of which failed`}
      times={points.map((point) => point.completedAt.getTime() / 1000)}
      series={series}
      unit="seconds"
      from={now / 1000 - DURATION_DAYS * 86_400}
      to={now / 1000}
    />
  )
}

function Load({ points }: { points: readonly LoadPoint[] }) {
  const most = Math.max(0, ...points.map((point) => point.waiting))
  const series: readonly ChartSeries[] = [
    { label: 'waiting', tone: 'busy', as: 'steps', values: points.map((point) => point.waiting) },
    { label: 'running', tone: 'accent', as: 'steps', values: points.map((point) => point.running) },
  ]
  return (
    <Chart
      label={`Runs waiting and running; at most ${most} waited`}
      times={points.map((point) => point.at.getTime() / 1000)}
      series={series}
      unit="count"
      from={(points.at(0)?.at.getTime() ?? 0) / 1000}
      to={(points.at(-1)?.at.getTime() ?? 0) / 1000}
    />
  )
}

function RepositoryList({ repositories }: { repositories: readonly RepositoryRecord[] }) {
  if (repositories.length === 0) {
    return <p class="empty">No repository that you may read has installed the app.</p>
  }
  const sorted = repositories.toSorted((a, b) => `${a.owner}/${a.name}`.localeCompare(`${b.owner}/${b.name}`))
  return (
    <ul class="rows">
      {sorted.map((repository) => (
        <li>
          <a class="row plain" href={repositoryPath(repository)}>
            <span class="clip">{`${repository.owner}/${repository.name}`}</span>
            <span class="when">{repository.isPrivate ? <span class="tag">private</span> : ''}</span>
          </a>
        </li>
      ))}
    </ul>
  )
}
