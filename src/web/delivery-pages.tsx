/** Webhooks as they came: the list, and one with its payload and what it would do today. */
import type { SlipwayEvent } from '../core/events.ts'
import type { Rehearsal } from '../flow/rehearse-event.ts'
import type { Repositories } from './run-list.tsx'
import { CsrfField } from './csrf-field.tsx'
import { Page } from './layout.tsx'
import type { DeliveryRecord } from './ports.ts'
import type { Session } from './session.ts'
import { RunBadge, StateBadge, type Tone } from './state-badge.tsx'
import { Time } from './time.tsx'

const TONES: Readonly<Record<DeliveryRecord['state'], Tone>> = {
  received: 'busy',
  handled: 'good',
  ignored: 'idle',
  failed: 'bad',
}

export interface DeliveriesView {
  readonly session: Session
  readonly deliveries: readonly DeliveryRecord[]
  readonly repositories: Repositories
  readonly older: string | null
}

export function DeliveriesPage({ view: { session, deliveries, repositories, older } }: { view: DeliveriesView }) {
  return (
    <Page title="Deliveries" session={session} active="deliveries">
      <div class="head">
        <div>
          <h1>Deliveries</h1>
          <p class="soft">Webhooks as GitHub sent them. Each can be replayed as a dry run, which changes nothing.</p>
        </div>
      </div>
      <section class="card">
        {deliveries.length === 0 ? (
          <p class="empty">No webhook has arrived yet.</p>
        ) : (
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th>Event</th>
                  <th>State</th>
                  <th>Repository</th>
                  <th>Delivery</th>
                  <th class="right">Received</th>
                </tr>
              </thead>
              <tbody>
                {deliveries.map((delivery) => (
                  <tr>
                    <th scope="row">
                      <a href={pathOf(delivery.id)}>{eventName(delivery)}</a>
                    </th>
                    <td>
                      <StateBadge tone={TONES[delivery.state]}>{delivery.state}</StateBadge>
                      {delivery.note === null ? null : <div class="soft small">{delivery.note}</div>}
                    </td>
                    <td>{repositoryName(delivery, repositories)}</td>
                    <td class="mono small soft">{delivery.id}</td>
                    <td class="right nowrap">
                      <Time at={delivery.receivedAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {older === null ? null : (
          <p class="empty">
            <a href={older}>Older deliveries</a>
          </p>
        )}
      </section>
    </Page>
  )
}

export type Replay =
  | { readonly kind: 'planned'; readonly event: SlipwayEvent; readonly rehearsal: Rehearsal }
  /** The delivery makes no event: another app's check run, an action that nobody handles. */
  | { readonly kind: 'no_event' }
  | { readonly kind: 'failed'; readonly cause: string }

export interface DeliveryView {
  readonly session: Session
  readonly delivery: DeliveryRecord & { readonly payload: string }
  readonly repositories: Repositories
  /** Null until somebody asks for it. */
  readonly replay: Replay | null
}

export function DeliveryPage({ view: { session, delivery, repositories, replay } }: { view: DeliveryView }) {
  return (
    <Page title={eventName(delivery)} session={session} active="deliveries">
      <div class="head">
        <div>
          <p class="crumbs">
            <a href="/deliveries">Deliveries</a> / <span class="mono">{delivery.id}</span>
          </p>
          <h1>
            {eventName(delivery)} <StateBadge tone={TONES[delivery.state]}>{delivery.state}</StateBadge>
          </h1>
          <p class="soft">
            {repositoryName(delivery, repositories)} <Time at={delivery.receivedAt} />
          </p>
        </div>
        <div class="actions">
          <form method="post" action={`${pathOf(delivery.id)}/replay`}>
            <CsrfField session={session} />
            <button class="main">Replay as a dry run</button>
          </form>
        </div>
      </div>
      <div class="stack">
        {delivery.note === null ? null : (
          <div class="notice bad">
            <p>{delivery.note}</p>
          </div>
        )}
        {replay === null ? null : <ReplayView replay={replay} />}
        <section class="card">
          <header>
            <h2>Payload</h2>
          </header>
          <pre class="payload" tabindex={0}>
            {pretty(delivery.payload)}
          </pre>
        </section>
      </div>
    </Page>
  )
}

function ReplayView({ replay }: { replay: Replay }) {
  return (
    <section class="card" aria-label="Dry run">
      <header>
        <h2>Dry run</h2>
        <span class="soft small">nothing was changed</span>
      </header>
      <ReplayBody replay={replay} />
    </section>
  )
}

function ReplayBody({ replay }: { replay: Replay }) {
  if (replay.kind === 'no_event') return <p class="empty">This delivery makes no event: nothing would happen.</p>
  if (replay.kind === 'failed') return <p class="empty">{replay.cause}</p>
  const { event, rehearsal } = replay
  const isNothing = rehearsal.runs.length + rehearsal.ended.length + rehearsal.others.length === 0
  return (
    <div class="body">
      <p>
        It becomes the event <code>{event.kind}</code>
        {isNothing ? ', and nothing would happen.' : '. Today that would:'}
      </p>
      <ul class="plan-list">
        {rehearsal.runs.map(({ run, existing }) => (
          <li>
            {existing === null ? 'run ' : 'find as it is '}
            <b>{run.name}</b> <span class="soft">{run.story}</span>{' '}
            {existing === null ? null : <RunBadge run={existing} />}
          </li>
        ))}
        {rehearsal.ended.map((run) => (
          <li>
            cancel <a href={`/runs/${run.id}`}>{run.name}</a> <span class="soft mono">{run.sha.slice(0, 10)}</span>
          </li>
        ))}
        {rehearsal.others.map((other) => (
          <li>{other}</li>
        ))}
      </ul>
    </div>
  )
}

function pathOf(id: string): string {
  return `/deliveries/${encodeURIComponent(id)}`
}

function eventName({ event, action }: Pick<DeliveryRecord, 'event' | 'action'>): string {
  return action === null ? event : `${event}.${action}`
}

function repositoryName({ repositoryId }: DeliveryRecord, repositories: Repositories): string {
  const repository = repositoryId === null ? undefined : repositories.get(repositoryId)
  return repository === undefined ? '' : `${repository.owner}/${repository.name}`
}

function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2)
  } catch {
    return payload
  }
}
