/** The table of instances, with what an admin can do to each. */
import type { Child } from 'hono/jsx'
import type { Instance, Pool } from '../pool/index.ts'
import { CsrfField } from './csrf-field.tsx'
import { HolderName } from './pool-holder.tsx'
import { poolPath } from './pool-view-model.ts'
import type { Session } from './session.ts'
import { Time } from './time.tsx'

interface Shared {
  readonly pool: Pool
  readonly session: Session
  readonly githubUrl: string
}

export function InstanceTable({ instances, ...shared }: Shared & { readonly instances: readonly Instance[] }) {
  if (instances.length === 0) return <p>This pool has no instance yet.</p>
  return (
    <div class="pool-scroll">
      <table class="pool-table" id="instances">
        <thead>
          <tr>
            <th scope="col">Instance</th>
            <th scope="col">State</th>
            <th scope="col">Holder</th>
            <th scope="col">Since</th>
            <th scope="col">Until</th>
            {shared.session.isAdmin && <th scope="col">Actions</th>}
          </tr>
        </thead>
        <tbody>
          {instances.map((instance) => (
            <InstanceRow instance={instance} {...shared} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function InstanceRow({ instance, pool, session, githubUrl }: Shared & { readonly instance: Instance }) {
  const { holder, state } = instance
  const labels = Object.entries(instance.labels).map(([key, value]) => `${key}=${value}`)
  return (
    <tr data-instance={instance.domain}>
      <th scope="row">
        <a href={poolPath(pool, `/instances/${instance.id}`)}>{instance.domain}</a>
        {labels.length > 0 && <div>{labels.join(' ')}</div>}
        {instance.note !== '' && <div>{instance.note}</div>}
      </th>
      <td>
        <span class={`pool-state pool-state-${state}`}>{stateWords(instance)}</span>
        {instance.lastError !== null && <div class="pool-problem">{instance.lastError}</div>}
      </td>
      <td>
        {holder === null ? '–' : <HolderName holder={holder} githubUrl={githubUrl} />}
        {holder !== null && holder.reason !== '' && <div>{holder.reason}</div>}
      </td>
      <td>
        <Time at={holder?.since ?? instance.since} />
      </td>
      <td>
        {holder === null ? (
          '–'
        ) : (
          <>
            <Time at={holder.until} /> (
            <time data-until data-exact datetime={holder.until.toISOString()}>
              …
            </time>
            )
          </>
        )}
      </td>
      {session.isAdmin && (
        <td>
          <InstanceActions instance={instance} pool={pool} session={session} />
        </td>
      )}
    </tr>
  )
}

function InstanceActions({ instance, pool, session }: Omit<Shared, 'githubUrl'> & { readonly instance: Instance }) {
  const action = (verb: string): string => poolPath(pool, `/instances/${instance.id}/${verb}`)
  const { domain, state, isDraining } = instance
  return (
    <div class="pool-actions">
      {state === 'free' && !isDraining && <ActionForm action={action('reserve')} label="Reserve" session={session} />}
      {state === 'held' && (
        <ActionForm
          action={action('release')}
          label="Release"
          session={session}
          confirm={`Release ${domain} although it is held?`}
        />
      )}
      {state === 'held' && (
        <details>
          <summary>Steal</summary>
          <ActionForm action={action('steal')} label="Steal now" session={session}>
            <label>
              Why <input name="reason" required maxlength={200} />
            </label>
          </ActionForm>
        </details>
      )}
      {isDraining ? (
        <ActionForm action={action('undrain')} label="Undrain" session={session} />
      ) : (
        <ActionForm action={action('drain')} label="Drain" session={session} />
      )}
      {(state === 'free' || state === 'cleaning') && (
        <ActionForm action={action('quarantine')} label="Quarantine" session={session} />
      )}
      {state === 'quarantined' && <ActionForm action={action('restore')} label="Restore" session={session} />}
      <details>
        <summary>Edit</summary>
        <ActionForm action={action('edit')} label="Save" session={session}>
          <label>
            Labels <input name="labels" value={labelsText(instance)} />
          </label>
          <label>
            Note <input name="note" value={instance.note} />
          </label>
        </ActionForm>
      </details>
      <ActionForm
        action={action('remove')}
        label="Delete"
        session={session}
        confirm={`Delete ${domain}? A held one leaves when its holder does.`}
      />
    </div>
  )
}

interface ActionFormProps {
  readonly action: string
  readonly label: string
  readonly session: Session
  readonly confirm?: string
  readonly children?: Child
}

export function ActionForm({ action, label, session, confirm, children }: ActionFormProps) {
  return (
    <form method="post" action={action} {...(confirm === undefined ? {} : { 'data-confirm': confirm })}>
      <CsrfField session={session} />
      {children}
      <button type="submit">{label}</button>
    </form>
  )
}

function stateWords(instance: Instance): string {
  const draining = instance.isLeaving
    ? ', leaving'
    : instance.isDraining
      ? instance.state === 'free'
        ? ', drained'
        : ', draining'
      : ''
  const kept = instance.holder?.isKeptForDebugging === true ? ', kept for debugging' : ''
  return `${instance.state}${kept}${draining}`
}

function labelsText(instance: Instance): string {
  return Object.entries(instance.labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}
