/** `/services`: what is live, since when, by whom, how it fares, its history and its buttons; and the same as Markdown. */
import type { Deployment, Release, Service } from '../deployment/index.ts'
import { isGoodRelease } from '../deployment/index.ts'
import { CsrfField } from './csrf-field.tsx'
import { Page } from './layout.tsx'
import type { Session } from './session.ts'
import { StateBadge, type Tone } from './state-badge.tsx'
import { Time } from './time.tsx'

export interface ServiceView {
  readonly service: Service
  /** `owner/name` */
  readonly repository: string
  readonly live: Release | null
  readonly newest: Deployment | null
  /** The newest first. */
  readonly releases: readonly Release[]
  /** May this visitor give orders? */
  readonly isOurs: boolean
}

const TONES: Readonly<Record<Deployment['state'], Tone>> = {
  queued: 'waiting',
  building: 'busy',
  publishing: 'busy',
  waiting: 'waiting',
  rolling: 'busy',
  baking: 'busy',
  live: 'good',
  rolled_back: 'bad',
  failed: 'bad',
  superseded: 'idle',
  cancelled: 'idle',
}

export function ServicesPage({ views, session }: { views: readonly ServiceView[]; session: Session | null }) {
  return (
    <Page title="Services" session={session} active="services">
      <h1>Services</h1>
      {views.length === 0 ? (
        <div class="empty">
          <p>
            Nothing is deployed yet. A service in <code>.github/slipway.yml</code> goes live with a push to its branch.
          </p>
        </div>
      ) : (
        views.map((view) => <ServiceCard view={view} session={session} />)
      )}
      <p>
        <a href="/services.md">As Markdown</a>
      </p>
    </Page>
  )
}

function ServiceCard({ view, session }: { view: ServiceView; session: Session | null }) {
  const { service, repository, live, newest } = view
  return (
    <section class="card" id={service.id} aria-labelledby={`name-${service.id}`}>
      <h2 id={`name-${service.id}`}>
        <a href={`/repos/${repository}`}>{repository}</a> {titleOf(service)}{' '}
        {newest === null ? null : (
          <StateBadge tone={TONES[newest.state]}>{newest.state.replaceAll('_', ' ')}</StateBadge>
        )}
        {service.lock === null ? null : <span class="tag">locked</span>}
        {service.drift === null ? null : <span class="tag">drifted</span>}
      </h2>
      <dl class="facts">
        <dt>Live</dt>
        <dd>
          {live === null ? (
            'nothing'
          ) : (
            <>
              <code>{live.sha.slice(0, 7)}</code>, release {live.number}, since{' '}
              {live.liveSince === null ? '–' : <Time at={live.liveSince} />}
              {live.approvedBy === null ? null : `, approved by ${live.approvedBy}`}
            </>
          )}
        </dd>
        <dt>Where</dt>
        <dd>
          {service.environment} on {service.host} ({service.driver}, <code>{service.name}</code>)
          {service.url === null ? null : (
            <>
              {' '}
              <a href={service.url} rel="noreferrer">
                {service.url}
              </a>
            </>
          )}
        </dd>
        {service.lock === null ? null : (
          <>
            <dt>Locked</dt>
            <dd>
              by {service.lock.by}: {service.lock.reason}
              {service.lock.until === null ? null : <> until {<Time at={service.lock.until} />}</>}
            </dd>
          </>
        )}
        {service.drift === null ? null : (
          <>
            <dt>Drift</dt>
            <dd>
              {service.drift.found}, since <Time at={service.drift.since} />
            </dd>
          </>
        )}
        {newest?.failure == null ? null : (
          <>
            <dt>Last failure</dt>
            <dd>
              <a href={`/runs/${newest.runId}`}>{newest.failure.cause}</a>
            </dd>
          </>
        )}
        {service.heldSha === null ? null : (
          <>
            <dt>Held back</dt>
            <dd>
              <code>{service.heldSha.slice(0, 7)}</code>: it was rolled back, and comes again only when somebody asks
            </dd>
          </>
        )}
      </dl>
      {view.isOurs && session !== null ? <Orders view={view} session={session} /> : null}
      <History view={view} session={session} />
    </section>
  )
}

function Orders({ view, session }: { view: ServiceView; session: Session }) {
  const { service, newest } = view
  return (
    <div class="orders">
      {newest?.state === 'waiting' ? (
        <>
          <Order service={service} session={session} verb="approve" label="Approve" />
          <Order service={service} session={session} verb="pass-freeze" label="Let it pass the freeze" asks="reason" />
        </>
      ) : null}
      {service.pullRequest === null ? (
        <Order service={service} session={session} verb="deploy" label="Deploy the head" />
      ) : null}
      {service.drift === null ? null : (
        <Order service={service} session={session} verb="drift-fix" label="Fix the drift" />
      )}
      {service.lock === null ? (
        <Order service={service} session={session} verb="lock" label="Lock" asks="reason" />
      ) : (
        <Order service={service} session={session} verb="unlock" label="Unlock" />
      )}
    </div>
  )
}

interface OrderProps {
  readonly service: Service
  readonly session: Session
  readonly verb: string
  readonly label: string
  readonly asks?: string
  readonly to?: string
}

function Order({ service, session, verb, label, asks, to }: OrderProps) {
  return (
    <form method="post" action={`/services/${service.id}/${verb}`} class="inline">
      <CsrfField session={session} />
      {asks === undefined ? null : (
        <input name={asks} aria-label={`${label}: ${asks}`} placeholder={asks} required maxlength={500} />
      )}
      {to === undefined ? null : <input type="hidden" name="to" value={to} />}
      <button class="small">{label}</button>
    </form>
  )
}

function History({ view, session }: { view: ServiceView; session: Session | null }) {
  if (view.releases.length === 0) return null
  return (
    <details>
      <summary>History</summary>
      <table>
        <thead>
          <tr>
            <th>Release</th>
            <th>Commit</th>
            <th>Outcome</th>
            <th>Live from</th>
            <th>until</th>
            <th>Why it ended</th>
            <th></th>
          </tr>
        </thead>
        <tbody>
          {view.releases.map((release) => (
            <tr>
              <td>
                <a href={`/runs/${release.runId}`}>{release.number}</a>
              </td>
              <td>
                <code>{release.sha.slice(0, 7)}</code>
              </td>
              <td>{release.outcome.replaceAll('_', ' ')}</td>
              <td>{release.liveSince === null ? '–' : <Time at={release.liveSince} />}</td>
              <td>{release.liveUntil === null ? '–' : <Time at={release.liveUntil} />}</td>
              <td>{release.reason ?? ''}</td>
              <td>
                {view.isOurs && session !== null && isGoodRelease(release) && release.outcome !== 'live' ? (
                  <Order
                    service={view.service}
                    session={session}
                    verb="rollback"
                    label="Go back to this"
                    to={release.id}
                  />
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

function titleOf(service: Service): string {
  return service.pullRequest === null ? service.key : `${service.key} (pull request ${service.pullRequest})`
}

/** The generated list of everything deployed. */
export function servicesMarkdown(views: readonly ServiceView[]): string {
  const rows = views.map(({ service, repository, live, newest }) => [
    repository,
    titleOf(service),
    service.environment,
    `${service.host} (${service.driver})`,
    service.branch,
    live === null ? 'nothing' : `\`${live.sha.slice(0, 7)}\` (release ${live.number})`,
    live?.liveSince?.toISOString() ?? '–',
    service.drift === null ? (newest?.state ?? '–').replaceAll('_', ' ') : `drifted: ${service.drift.found}`,
    service.url ?? '–',
  ])
  const head = ['Repository', 'Service', 'Environment', 'Host', 'Branch', 'Live', 'Since', 'State', 'URL']
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/[\r\n]+/g, ' ')).join(' | ')} |`
  return ['# Services', '', line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n')
}
