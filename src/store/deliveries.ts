/**
 * Deliveries as received. Many webhooks that arrive at once are stored by one statement (group commit): each request
 * waits for the commit that holds its row, and the next batch gathers while the database is busy with this one. So a
 * 202 always means a durable row, and a burst costs a few commits instead of thousands.
 */
import type { DeliveryStore, NewDelivery, StoredDelivery } from '../app/ports.ts'
import { isUnavailable, join, sql, type Database, type Queryable } from './database.ts'
import { JOBS_CHANNEL } from './jobs.ts'

/** Kind of the job that dispatches one stored delivery. */
export const DELIVERY_JOB = 'delivery'
/** Rows of one statement, enough for a burst. */
const LARGEST_BATCH = 64
/** Characters of payload in one statement, so that large ones do not add up; one alone may be larger. */
const LARGEST_BATCH_TEXT = 4 * 1024 * 1024
/** GitHub hangs up after ten seconds; by then it must know that the delivery was not stored. */
const STORE_LIMIT_MS = 6_000
/** Statements under way at once: while one waits for its commit the next one is sent. */
const BATCHES_IN_FLIGHT = 2
/** Reconciling may flood the table; people look at the newest. */
const LARGEST_PAGE = 200

interface Waiting {
  readonly delivery: NewDelivery
  readonly resolve: (isNew: boolean) => void
  readonly reject: (error: unknown) => void
}

export function createDeliveryStore(db: Database): DeliveryStore {
  const waiting: Waiting[] = []
  let inFlight = 0

  function flush(): void {
    while (inFlight < BATCHES_IN_FLIGHT && waiting.length > 0) {
      const batch = waiting.splice(0, batchLength(waiting))
      inFlight++
      void storeBatch(db, batch).then((isAway) => {
        inFlight--
        // The others would wait for the same answer, one batch after the other.
        if (isAway !== null) for (const { reject } of waiting.splice(0)) reject(isAway)
        flush()
      })
    }
  }

  return {
    store: (delivery) =>
      new Promise<boolean>((resolve, reject) => {
        waiting.push({ delivery, resolve, reject })
        // Requests that were read in the same turn of the event loop share a statement.
        setImmediate(flush)
      }),
    async get(id) {
      const row = await db.first<DeliveryRow>(sql`select id, event, action, payload, state, note, installation_id,
        repository_id, received_at, handled_at from deliveries where id = ${id}`)
      return row === null ? null : toDelivery(row)
    },
    async list({ before, limit }) {
      const rows = await db.rows<DeliveryRow>(sql`select id, event, action, '' as payload, state, note, installation_id,
        repository_id, received_at, handled_at from deliveries
        where ${before === undefined ? sql`true` : sql`received_at < ${before}`}
        order by sequence desc limit ${Math.min(limit, LARGEST_PAGE)}`)
      return rows.map(toDelivery)
    },
    async settle(id, state, note) {
      await db.run(sql`update deliveries set state = ${state}, note = ${note}, handled_at = now() where id = ${id}`)
    },
    async requeueLost(waitingMinutes) {
      return await db.run(sql`
        insert into jobs (kind, key, payload, repository_id, lane, repository_cap)
        select ${DELIVERY_JOB}, 'delivery:' || d.id, jsonb_build_object('deliveryId', d.id), d.repository_id, 'delivery',
          case when d.repository_id is not null then 1 end
        from deliveries d where d.state = 'received' and d.received_at < now() - ${waitingMinutes} * interval '1 minute'
        on conflict (key) where key is not null and state <> 'parked' do nothing`)
    },
    async known(ids) {
      const rows = await db.rows<{ id: string }>(sql`select id from deliveries where id = any(${[...ids]})`)
      return new Set(rows.map((row) => row.id))
    },
    async forget(olderThanDays) {
      return await db.run(sql`delete from deliveries where state <> 'received'
        and received_at < now() - ${olderThanDays} * interval '1 day'`)
    },
  }
}

function batchLength(waiting: readonly Waiting[]): number {
  let size = 0
  const fitting = waiting
    .slice(0, LARGEST_BATCH)
    .findIndex(({ delivery }) => (size += delivery.payload.length) > LARGEST_BATCH_TEXT)
  return fitting === -1 ? LARGEST_BATCH : Math.max(1, fitting)
}

/** Settles each of the batch; returns the error when the database is away. */
async function storeBatch(db: Database, batch: readonly Waiting[]): Promise<unknown> {
  try {
    // The same delivery may be in one batch twice; ON CONFLICT sees only what other statements wrote.
    const unique = new Map(batch.map(({ delivery }) => [delivery.id, delivery]))
    const stored = await insertWithJobs(db, [...unique.values()])
    for (const { delivery, resolve } of batch) resolve(stored.delete(delivery.id))
    return null
  } catch (error) {
    for (const { reject } of batch) reject(error)
    return isUnavailable(error) ? error : null
  }
}

/**
 * Deliveries and their jobs in one statement: either both are there after a crash, or neither. Those of one repository
 * are handled one after the other, oldest first: two pushes of one branch at the same moment would each believe to be
 * the newest.
 */
async function insertWithJobs(db: Queryable, deliveries: readonly NewDelivery[]): Promise<Set<string>> {
  const values = deliveries.map(
    (
      d,
    ) => sql`(${d.id}, ${d.event}, ${d.action}::text, ${d.installationId}::bigint, ${d.repositoryId}::bigint, ${d.payload},
      ${d.isHandled ? 'received' : 'ignored'}, ${d.isHandled ? null : 'not an event that Slipway handles'}::text)`,
  )
  const rows = await db.rows<{ id: string }>(
    sql`
    with stored as (
      insert into deliveries (id, event, action, installation_id, repository_id, payload, state, note)
      values ${join(values)} on conflict (id) do nothing returning id, repository_id, state
    ), queued as (
      insert into jobs (kind, key, payload, repository_id, lane, repository_cap)
      select ${DELIVERY_JOB}, 'delivery:' || id, jsonb_build_object('deliveryId', id), repository_id, 'delivery',
        case when repository_id is not null then 1 end
      from stored where state = 'received'
      on conflict (key) where key is not null and state <> 'parked' do nothing
    ), told as (
      select pg_notify(${JOBS_CHANNEL}, '') from stored where state = 'received' limit 1
    )
    select id from stored left join told on true`,
    STORE_LIMIT_MS,
  )
  return new Set(rows.map((row) => row.id))
}

interface DeliveryRow {
  readonly id: string
  readonly event: string
  readonly action: string | null
  readonly payload: string
  readonly state: StoredDelivery['state']
  readonly note: string | null
  readonly installation_id: string | null
  readonly repository_id: string | null
  readonly received_at: Date
  readonly handled_at: Date | null
}

function toDelivery(row: DeliveryRow): StoredDelivery {
  return {
    id: row.id,
    event: row.event,
    action: row.action,
    payload: row.payload,
    state: row.state,
    note: row.note,
    installationId: row.installation_id === null ? null : Number(row.installation_id),
    repositoryId: row.repository_id === null ? null : Number(row.repository_id),
    receivedAt: row.received_at,
    handledAt: row.handled_at,
  }
}
