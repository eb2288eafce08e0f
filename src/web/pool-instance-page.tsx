/** One instance: its record and what happened to it. */
import type { Instance, InstanceRecord, PoolEvent } from '../pool/index.ts'
import { formatDuration } from '../core/duration.ts'
import { Time } from './time.tsx'

/** How a reservation ended, for people; other events are called by their kind. */
const ENDING_WORDS: Readonly<Record<string, string>> = {
  released: 'released',
  expired: 'its time was over',
  stolen: 'taken by an admin',
  reaped: 'its heartbeats stopped',
  owner_gone: 'what it was for ended',
  withdrawn: 'left the line',
  gave_up: 'waited long enough',
  unservable: 'its instances were removed',
  refused: 'none was free',
}

interface InstancePageProps {
  readonly instance: Instance
  readonly record: InstanceRecord
  readonly events: readonly PoolEvent[]
}

export function InstancePage({ instance, record, events }: InstancePageProps) {
  return (
    <>
      <p>
        <a href={`/pools/${encodeURIComponent(instance.pool)}`}>{instance.pool}</a>
      </p>
      <h1>{instance.domain}</h1>
      <dl class="pool-facts">
        <div>
          <dt>state</dt>
          <dd>{instance.state}</dd>
        </div>
        <div>
          <dt>held so often</dt>
          <dd>{record.holds}</dd>
        </div>
        <div>
          <dt>failures</dt>
          <dd>{record.failures}</dd>
        </div>
        <div>
          <dt>failure rate</dt>
          <dd>{Math.round(record.failureRate * 100)} %</dd>
        </div>
      </dl>
      <table class="pool-table" id="history">
        <thead>
          <tr>
            <th scope="col">At</th>
            <th scope="col">What</th>
            <th scope="col">Client</th>
            <th scope="col">By</th>
            <th scope="col">Lasted</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr>
              <td>
                <Time at={event.at} />
              </td>
              <td>{ENDING_WORDS[event.kind] ?? event.kind.replaceAll('_', ' ')}</td>
              <td>{event.client ?? '–'}</td>
              <td>{event.actor}</td>
              <td>{event.lastedMs === null ? '–' : formatDuration(event.lastedMs)}</td>
              <td>{event.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
