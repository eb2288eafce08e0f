/**
 * Which processes share the database. A process is alive while its row's heartbeat is fresh; its heartbeat is written
 * by a worker thread, so a busy event loop does not look like a death.
 */
import type { ProcessStore } from '../queue/ports.ts'
import { sql, type Database } from './database.ts'
import { JOBS_CHANNEL } from './jobs.ts'

export function createProcessStore(db: Database): ProcessStore {
  return {
    async register({ id, machine, pid }) {
      await db.run(sql`insert into processes (id, machine, pid) values (${id}, ${machine}, ${pid})
        on conflict (id) do update set heartbeat_at = now()`)
    },
    async markStopping(processId) {
      await db.run(sql`update processes set stopping = true where id = ${processId}`)
    },
    async unregister(processId) {
      await db.run(sql`delete from processes where id = ${processId}
        and not exists (select 1 from jobs where process_id = ${processId} and state = 'running')`)
    },
    onMachine: (machine) =>
      db.rows<{ id: string; pid: number }>(sql`select id, pid from processes where machine = ${machine}`),
    async reap(deadIds, staleMs, maxDeaths) {
      const rows = await db.rows<{ id: string; kind: string; state: string; payload: unknown }>(sql`
        with dead as (
          delete from processes where id = any(${[...deadIds]}::uuid[])
            or (${staleMs}::float8 is not null and heartbeat_at < now() - ${staleMs}::float8 * interval '1 millisecond')
          returning id
        ), orphans as (
          select id from jobs where state = 'running' and (process_id in (select id from dead)
            or not exists (select 1 from processes p where p.id = jobs.process_id))
          for update skip locked
        )
        update jobs set state = case when deaths + 1 >= ${maxDeaths} then 'parked' else 'ready' end,
          deaths = deaths + 1, run_at = now(), process_id = null, run_again = false,
          last_error = 'the process that worked on it ended'
        where id in (select id from orphans)
        returning id, kind, state, payload`)
      if (rows.length > 0) await db.notify(JOBS_CHANNEL, '')
      return rows.map((row) => ({
        jobId: row.id,
        kind: row.kind,
        parked: row.state === 'parked',
        payload: row.payload,
      }))
    },
  }
}
