/** Instances as rows, and what admins do to them. Whatever may serve somebody who waits, serves them at once. */
import type {
  Instance,
  InstanceEdit,
  InstanceOrder,
  InstanceState,
  Labels,
  NewInstance,
  Pool,
  Source,
} from '../../pool/ports.ts'
import { writeAudit } from '../audit.ts'
import { isUniqueViolation, sql, type Database, type Queryable, type Sql } from '../database.ts'
import { enqueueJobs, JOBS_CHANNEL } from '../jobs.ts'
import { refuseUnservable } from './end-reservations.ts'
import { PREPARE_JOB } from './hand-out.ts'
import { handOutOpen } from './release.ts'
import { lockPool } from './lock.ts'

export async function readInstances(db: Queryable, which: Sql): Promise<readonly Instance[]> {
  const rows = await db.rows<InstanceRow>(sql`
    select i.id, p.name as pool, i.domain, i.token, i.labels, i.note, i.state, i.is_draining, i.is_leaving, i.failures,
      i.last_error, i.source, i.since, r.id as reservation_id, r.generation, r.client, r.actor, r.reason, r.repository,
      r.pull_request, r.run_id, h.since as held_since, r.expires_at, r.is_kept_for_debugging
    from pool_instances i join pools p on p.id = i.pool_id
    left join pool_holds h on h.instance_id = i.id and h.until is null
    left join pool_reservations r on r.id = h.reservation_id
    where i.deleted_at is null and ${which} order by i.id`)
  return rows.map(toInstance)
}

export async function addInstance(
  db: Database,
  pool: Pool,
  instance: NewInstance,
  actor: string,
): Promise<string | null> {
  try {
    return await db.transaction(async (tx) => {
      await lockPool(tx, pool.id)
      // Looked up first, so that a refused domain uses up no id.
      const row = await tx.first<{ id: string }>(sql`
        with added as (
          insert into pool_instances (pool_id, domain, token, labels, note, source)
          select ${pool.id}::bigint, ${instance.domain}::text, ${instance.sealedToken}::bytea,
            ${JSON.stringify(instance.labels)}::jsonb, ${instance.note}::text, ${instance.source}::text
          where not exists (select 1 from pool_instances where lower(domain) = lower(${instance.domain}) and deleted_at is null)
          returning id, pool_id
        ), event as (
          insert into pool_events (pool_id, instance_id, kind, actor) select pool_id, id, 'added', ${actor} from added
        )
        select id from added`)
      if (row === null) return null
      await writeAudit(tx, { actor, action: 'instance.add', subject: `pool:${pool.name}/${instance.domain}` })
      await handOutOpen(tx, pool.id)
      return row.id
    })
  } catch (error) {
    if (isUniqueViolation(error, 'pool_instances_domain')) return null
    throw error
  }
}

export async function editInstance(
  db: Database,
  pool: Pool,
  id: string,
  edit: InstanceEdit,
  actor: string,
): Promise<boolean> {
  try {
    await db.transaction(async (tx) => {
      await lockPool(tx, pool.id)
      const changed = await tx.first<{ domain: string; pool_id: string }>(sql`
        update pool_instances i set domain = coalesce(${edit.domain ?? null}, domain),
          token = coalesce(${edit.sealedToken ?? null}::bytea, token),
          labels = coalesce(${edit.labels === undefined ? null : JSON.stringify(edit.labels)}::jsonb, labels),
          note = coalesce(${edit.note ?? null}, note), source = coalesce(${edit.source ?? null}, source),
          pool_id = coalesce((select p.id from pools p where p.name = ${edit.pool ?? null} and i.state <> 'held'), pool_id)
        where id = ${id} and pool_id = ${pool.id} and deleted_at is null returning domain, pool_id`)
      if (changed === null) return
      const what = Object.keys(edit).map((key) => (key === 'sealedToken' ? 'token' : key))
      await tx.run(sql`insert into pool_events (pool_id, instance_id, kind, actor, reason)
        values (${changed.pool_id}, ${id}, 'edited', ${actor}, ${what.join(', ')})`)
      await writeAudit(tx, {
        actor,
        action: 'instance.edit',
        subject: `pool:${pool.name}/${changed.domain}`,
        detail: { changed: what },
      })
      await refuseUnservable(tx, pool.id)
      await handOutOpen(tx, pool.id)
    })
    return true
  } catch (error) {
    if (isUniqueViolation(error, 'pool_instances_domain')) return false
    throw error
  }
}

export async function orderInstance(
  db: Database,
  pool: Pool,
  id: string,
  order: InstanceOrder,
  actor: string,
  reason: string,
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockPool(tx, pool.id)
    const changed = await tx.first<{ domain: string; state: InstanceState }>(sql`
      update pool_instances i set ${CHANGES[order]} from pools p
      where i.id = ${id} and i.pool_id = ${pool.id} and p.id = i.pool_id and i.deleted_at is null and ${CONDITIONS[order]}
      returning i.domain, i.state`)
    if (changed === null) return
    await tx.run(sql`insert into pool_events (pool_id, instance_id, kind, actor, reason)
      values (${pool.id}, ${id}, ${PAST[order]}, ${actor}, ${reason})`)
    await writeAudit(tx, {
      actor,
      action: `instance.${order}`,
      subject: `pool:${pool.name}/${changed.domain}`,
      detail: { reason },
    })
    if (order === 'restore' && changed.state === 'cleaning') {
      await enqueueJobs(tx, [{ kind: PREPARE_JOB, key: `${PREPARE_JOB}:${id}`, payload: { instanceId: id } }])
      await tx.run(sql`select pg_notify(${JOBS_CHANNEL}, '')`)
    }
    await refuseUnservable(tx, pool.id)
    await handOutOpen(tx, pool.id)
  })
}

const CHANGES: Readonly<Record<InstanceOrder, Sql>> = {
  drain: sql`is_draining = true`,
  undrain: sql`is_draining = false`,
  quarantine: sql`state = 'quarantined', since = clock_timestamp()`,
  restore: sql`state = case when p.cleaning is null and p.health is null then 'free' else 'cleaning' end, failures = 0,
    last_error = null, since = clock_timestamp(), freed_at = clock_timestamp()`,
  // A held one leaves when its holder does.
  remove: sql`is_draining = true, is_leaving = true,
    deleted_at = case when i.state = 'held' then null else clock_timestamp() end`,
  stay: sql`is_draining = false, is_leaving = false`,
}

/** When an order changes something; otherwise it has been done already. */
const CONDITIONS: Readonly<Record<InstanceOrder, Sql>> = {
  drain: sql`not i.is_draining`,
  undrain: sql`i.is_draining and not i.is_leaving`,
  quarantine: sql`i.state in ('free', 'cleaning')`,
  restore: sql`i.state = 'quarantined'`,
  remove: sql`not i.is_leaving`,
  stay: sql`i.is_leaving`,
}

const PAST: Readonly<Record<InstanceOrder, string>> = {
  drain: 'drained',
  undrain: 'undrained',
  quarantine: 'quarantined',
  restore: 'restored',
  remove: 'removed',
  stay: 'kept in the pool',
}

interface InstanceRow {
  readonly id: string
  readonly pool: string
  readonly domain: string
  readonly token: Uint8Array
  readonly labels: Labels
  readonly note: string
  readonly state: InstanceState
  readonly is_draining: boolean
  readonly is_leaving: boolean
  readonly failures: number
  readonly last_error: string | null
  readonly source: Source
  readonly since: Date
  readonly reservation_id: string | null
  readonly generation: string
  readonly client: string
  readonly actor: string
  readonly reason: string
  readonly repository: string | null
  readonly pull_request: number | null
  readonly run_id: string | null
  readonly held_since: Date
  readonly expires_at: Date
  readonly is_kept_for_debugging: boolean
}

function toInstance(row: InstanceRow): Instance {
  return {
    id: row.id,
    pool: row.pool,
    domain: row.domain,
    sealedToken: row.token,
    labels: row.labels,
    note: row.note,
    state: row.state,
    isDraining: row.is_draining,
    isLeaving: row.is_leaving,
    failures: row.failures,
    lastError: row.last_error,
    source: row.source,
    since: row.since,
    holder:
      row.reservation_id === null
        ? null
        : {
            reservationId: row.reservation_id,
            generation: row.generation,
            client: row.client,
            actor: row.actor,
            reason: row.reason,
            repository: row.repository,
            pullRequest: row.pull_request,
            runId: row.run_id,
            since: row.held_since,
            until: row.expires_at,
            isKeptForDebugging: row.is_kept_for_debugging,
          },
  }
}
