/** The release pool in PostgreSQL. */
import type { PoolMeter, PoolStore } from '../../pool/ports.ts'
import { sql, type Database } from '../database.ts'
import { closePool, createPool, editPool, readOverviews, readPace } from './catalog.ts'
import { readEvents, readRecord, readUsage } from './history.ts'
import { beat, extend, hangUp, seeWaiters, settledAmong, steal } from './hold.ts'
import { addInstance, editInstance, orderInstance, readInstances } from './instances.ts'
import { readPools } from './pool-row.ts'
import { finishPreparation, finishProbe, quarantine } from './preparation.ts'
import { placeInLine, readQueue } from './queue.ts'
import { endSelected } from './release.ts'
import { readReservations } from './reservation-row.ts'
import { reserve } from './reserve.ts'
import { sweep } from './sweep.ts'

export function createPoolStore(db: Database, meter: PoolMeter): PoolStore {
  return {
    findPool: async (name) => (await readPools(db, sql`p.name = ${name}`))[0] ?? null,
    overviews: () => readOverviews(db),
    createPool: (name, settings, source, actor) => createPool(db, name, settings, source, actor),
    editPool: (pool, settings, source, actor) => editPool(db, pool, settings, source, actor),
    closePool: (pool, actor) => closePool(db, pool, actor),

    instances: (pool) => readInstances(db, sql`p.name = ${pool}`),
    findInstance: async (pool, id) => (await readInstances(db, sql`p.name = ${pool} and i.id = ${id}`))[0] ?? null,
    findInstanceByDomain: async (domain) =>
      (await readInstances(db, sql`lower(i.domain) = lower(${domain})`))[0] ?? null,
    addInstance: (pool, instance, actor) => addInstance(db, pool, instance, actor),
    editInstance: (pool, id, edit, actor) => editInstance(db, pool, id, edit, actor),
    order: (pool, id, order, actor, reason) => orderInstance(db, pool, id, order, actor, reason),

    reserve: (pool, request) => reserve(db, meter, pool, request),
    findReservation: async (id) => (await readReservations(db, sql`r.id = ${id}`))[0] ?? null,
    findByClient: async (pool, client) =>
      (await readReservations(db, sql`p.name = ${pool} and r.client = ${client} and r.state = 'held'`))[0] ?? null,
    findByRun: async (runId) =>
      (await readReservations(db, sql`r.run_id = ${runId} and r.state <> 'ended'`))[0] ?? null,
    end: (selector, order) => endSelected(db, meter, selector, order),
    hangUp: (id, waiterId) => hangUp(db, meter, id, waiterId),
    extend: (id, byMs, actor) => extend(db, id, byMs, actor),
    beat: (id) => beat(db, id),
    seeWaiters: (ids) => seeWaiters(db, ids),
    steal: (pool, instanceId, request, reason) => steal(db, meter, pool, instanceId, request, reason),
    settledAmong: (ids) => settledAmong(db, ids),

    queue: async (pool) => {
      const [found] = await readPools(db, sql`p.name = ${pool}`)
      return found === undefined ? [] : readQueue(db, found.id)
    },
    placeOf: async (id) => {
      const row = await db.first<{ pool_id: string }>(sql`select pool_id from pool_reservations where id = ${id}`)
      return row === null ? null : placeInLine(db, row.pool_id, id)
    },
    pace: (pool) => readPace(db, pool.id),
    events: (pool, instanceId, limit, before) => readEvents(db, pool, instanceId, limit, before),
    record: (instanceId) => readRecord(db, instanceId),
    usage: (pool, hours) => readUsage(db, pool, hours),
    latestEvent: async () => {
      const row = await db.first<{ id: string | null }>(sql`select max(id) as id from pool_events`)
      return row?.id ?? '0'
    },

    preparation: async (instanceId) => {
      const [instance] = await readInstances(db, sql`i.id = ${instanceId} and i.state = 'cleaning'`)
      const [pool] = await readPools(db, sql`p.name = ${instance?.pool ?? null}`)
      return instance === undefined || pool === undefined ? null : { instance, pool }
    },
    finishPreparation: (lease, instanceId, result, durationMs) =>
      finishPreparation(db, meter, lease, instanceId, result, durationMs),
    quarantine: (instanceId, cause) => quarantine(db, instanceId, cause),
    finishProbe: (lease, reservation, results) => finishProbe(db, meter, lease, reservation, results),

    sweep: () => sweep(db, meter),
  }
}
