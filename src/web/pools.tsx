/** The page `/pools`. Its live part is also served alone, for the script that keeps it fresh. */
import { estimateWaitMs } from '../pool/index.ts'
import { formatDuration } from '../core/duration.ts'
import { HolderName } from './pool-holder.tsx'
import { CsrfField } from './csrf-field.tsx'
import { ActionForm, InstanceTable } from './pool-instances.tsx'
import { UsagePicture } from './pool-usage.tsx'
import { poolPath, type AddForm, type PoolView } from './pool-view-model.ts'
import { Time } from './time.tsx'

export function PoolsPage({
  view,
  form,
  problem,
}: {
  readonly view: PoolView
  readonly form: AddForm
  readonly problem: string | null
}) {
  const { pool } = view.overview
  return (
    <>
      <h1>Release pools</h1>
      {view.pools.length > 1 && (
        <nav aria-label="Pools">
          <ul class="pool-tabs">
            {view.pools.map((other) => (
              <li>
                <a
                  href={poolPath(other.pool)}
                  {...(other.pool.name === pool.name ? { 'aria-current': 'page' as const } : {})}
                >
                  {other.pool.name} ({other.counts.free}/{other.capacity})
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      {problem !== null && (
        <p class="pool-problem" role="alert">
          {problem}
        </p>
      )}
      <div data-live={poolPath(pool, '/live')} data-events={`/pools/events?since=${view.version}`}>
        <LivePool view={view} />
      </div>
      {view.session.isAdmin && <AddInstance view={view} form={form} />}
    </>
  )
}

export function LivePool({ view }: { readonly view: PoolView }) {
  const { overview, instances, queue, usage, session, githubUrl } = view
  const { pool, counts, capacity, medianHoldMs } = overview
  return (
    <>
      <h2>{pool.name}</h2>
      <dl class="pool-facts">
        {Object.entries(counts).map(([state, count]) => (
          <div>
            <dt>{state}</dt>
            <dd>{count}</dd>
          </div>
        ))}
        <div>
          <dt>held for, usually</dt>
          <dd>{medianHoldMs === null ? '–' : formatDuration(medianHoldMs)}</dd>
        </div>
      </dl>
      <InstanceTable pool={pool} instances={instances} session={session} githubUrl={githubUrl} />
      <h3>Line</h3>
      {queue.length === 0 ? (
        <p>Nobody waits.</p>
      ) : (
        <table class="pool-table" id="queue">
          <thead>
            <tr>
              <th scope="col">Place</th>
              <th scope="col">Who</th>
              <th scope="col">Wants</th>
              <th scope="col">Since</th>
              <th scope="col">About</th>
              {session.isAdmin && <th scope="col">Actions</th>}
            </tr>
          </thead>
          <tbody>
            {queue.map((entry) => {
              const about = estimateWaitMs(entry.place, { capacity, medianHoldMs, defaultTimeoutMs: pool.timeoutMs })
              return (
                <tr>
                  <td>{entry.place}</td>
                  <td>
                    <HolderName holder={{ ...entry, actor: '', pullRequest: null }} githubUrl={githubUrl} />
                  </td>
                  <td>{wants(entry)}</td>
                  <td>
                    <Time at={entry.createdAt} />
                  </td>
                  <td>{about === null ? '–' : formatDuration(about)}</td>
                  {session.isAdmin && (
                    <td>
                      <ActionForm
                        action={poolPath(pool, `/queue/${entry.id}/withdraw`)}
                        label="Withdraw"
                        session={session}
                      />
                    </td>
                  )}
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
      <h3>Use</h3>
      <UsagePicture usage={usage} capacity={capacity} />
    </>
  )
}

function AddInstance({ view, form }: { readonly view: PoolView; readonly form: AddForm }) {
  const field = (name: string, label: string, value: string, type = 'text') => (
    <label>
      {label}
      <input name={name} value={value} type={type} autocomplete="off" />
      {form.problems[name] !== undefined && (
        <span class="pool-problem" role="alert">
          Error: {form.problems[name]}
        </span>
      )}
    </label>
  )
  return (
    <section>
      <h2>Add an instance</h2>
      <form class="pool-form" method="post" action={poolPath(view.overview.pool, '/instances')}>
        <CsrfField session={view.session} />
        {field('domain', 'URL of the instance', form.domain)}
        {field('token', 'Its token (43 characters)', '', 'password')}
        {field('labels', 'Labels, as key=value', form.labels)}
        {field('note', 'Note', form.note)}
        <div>
          <button type="submit">Add</button>
        </div>
      </form>
    </section>
  )
}

function wants({ count, labels, priority }: PoolView['queue'][number]): string {
  const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return [count === 1 ? 'one' : String(count), ...named, ...(priority === 0 ? [] : [`priority ${priority}`])].join(' ')
}
