/**
 * Jobs in PostgreSQL. Claiming is one statement with SKIP LOCKED, under a transaction-wide advisory lock because a cap
 * counts other rows: two claims at the same moment would each see the last free place. Every claim raises the job's
 * generation; `complete`, `retry` and `park` change a row only for the generation they were given, so the word of a
 * process that was thought dead is refused.
 */
import type { Lease } from '../core/lease.ts'
import type { ClaimedJob, JobStore, NewJob } from '../queue/ports.ts'
import { join, sql, type Database, type Queryable, type Sql } from './database.ts'

/** The channel on which a process hears that there may be work. */
export const JOBS_CHANNEL = 'slipway_jobs'
/** Any constant that differs from our other advisory locks. */
const CLAIM_LOCK = 7_305_522
/** Caps for jobs that name none: high enough to mean "no cap". */
const NO_CAP = 1_000_000

interface JobRow {
  readonly id: string
  readonly kind: string
  readonly payload: Record<string, unknown>
  readonly repository_id: string | null
  readonly attempts: number
  readonly deaths: number
  readonly generation: string
}

export function createJobStore(db: Database): JobStore {
  return {
    async enqueue(jobs) {
      if (jobs.length === 0) return
      await enqueueJobs(db, jobs)
      await db.notify(JOBS_CHANNEL, '')
    },
    claim: (processId, kinds, limit) =>
      db.transaction(async (tx) => {
        await tx.run(sql`select pg_advisory_xact_lock(${CLAIM_LOCK})`)
        const rows = await tx.rows<JobRow>(claimQuery(processId, kinds, limit))
        return rows.map(toClaimedJob)
      }),
    async complete(lease) {
      const rows = await db.rows<{ again: boolean }>(sql`
        with held as (
          select id, run_again from jobs where ${isHeld(lease)} for update
        ), again as (
          update jobs set state = 'ready', run_again = false, process_id = null, attempts = 0, run_at = now()
          where id in (select id from held where run_again)
        ), gone as (
          delete from jobs where id in (select id from held where not run_again)
        )
        select run_again as again from held`)
      if (rows[0]?.again === true) await db.notify(JOBS_CHANNEL, '')
      return rows.length > 0
    },
    async retry(lease, delayMs, cause, countsAsAttempt) {
      // Who asked again while it ran does not wait for what it waited for; a failure keeps its distance.
      const changed = await db.run(sql`
        update jobs set state = 'ready', run_again = false, process_id = null, last_error = ${cause},
          attempts = attempts + ${countsAsAttempt ? 1 : 0},
          run_at = case when run_again and ${!countsAsAttempt} then now() else now() + ${delayMs} * interval '1 millisecond' end
        where ${isHeld(lease)}`)
      // Another process may have room for it at once.
      if (changed > 0 && delayMs === 0) await db.notify(JOBS_CHANNEL, '')
      return changed > 0
    },
    async giveBack(processId, inHand, claimedBeforeMs) {
      const given = await db.run(sql`
        update jobs set state = 'ready', run_again = false, process_id = null, run_at = now(),
          last_error = 'its claim or its end was not recorded'
        where state = 'running' and process_id = ${processId} and id <> all(${[...inHand]}::bigint[])
          and claimed_at < now() - ${claimedBeforeMs} * interval '1 millisecond'`)
      if (given > 0) await db.notify(JOBS_CHANNEL, '')
      return given
    },
    async park(lease, cause) {
      const changed = await db.run(sql`
        update jobs set state = 'parked', process_id = null, last_error = ${cause} where ${isHeld(lease)}`)
      return changed > 0
    },
    async untilNext(kinds) {
      const row = await db.first<{ wait: number | null }>(sql`
        select (extract(epoch from min(run_at) - now()) * 1000)::float8 as wait
        from jobs where state = 'ready' and run_at > now() and kind = any(${[...kinds]})`)
      return row?.wait ?? null
    },
  }
}

/** Inserts jobs within the caller's transaction; the caller notifies after its commit. */
export async function enqueueJobs(tx: Queryable, jobs: readonly NewJob[]): Promise<void> {
  if (jobs.length === 0) return
  const values = jobs.map(
    (
      job,
    ) => sql`(${job.kind}, ${job.key ?? null}, ${JSON.stringify(job.payload)}::jsonb, ${job.repositoryId ?? null}::bigint,
      ${job.lane ?? 'general'}, ${job.laneCap ?? null}::integer, ${job.repositoryCap ?? null}::integer,
      ${job.priority ?? 0}::integer, now() + ${job.delayMs ?? 0} * interval '1 millisecond')`,
  )
  await tx.run(sql`
    insert into jobs (kind, key, payload, repository_id, lane, lane_cap, repository_cap, priority, run_at)
    values ${join(values)}
    on conflict (key) where key is not null and state <> 'parked' do update set
      run_again = jobs.state = 'running',
      run_at = least(jobs.run_at, excluded.run_at)`)
}

/** The condition under which a lease still counts. */
export function isHeld(lease: Lease): Sql {
  return sql`id = ${lease.jobId} and generation = ${lease.generation} and state = 'running'`
}

/** The same as a guard for writes to other tables: `update runs ... where id = $1 and ${underLease(lease)}`. */
export function underLease(lease: Lease): Sql {
  return sql`exists (select 1 from jobs where ${isHeld(lease)} for share)`
}

/**
 * Which jobs go next: higher priority first, then those of the repository that runs least in that lane now, then age.
 * Within one claim a repository's second job ranks behind another repository's first.
 */
function claimQuery(processId: string, kinds: readonly string[], limit: number): Sql {
  return sql`
    with running as (
      select lane, repository_id, count(*) as n from jobs where state = 'running' group by lane, repository_id
    ), lanes as (
      select lane, sum(n) as n from running group by lane
    ), ranked as (
      select j.id, j.priority, j.lane, j.lane_cap, j.repository_id, j.repository_cap,
        coalesce(r.n, 0) + row_number() over (partition by j.lane, j.repository_id order by j.priority desc, j.id) as turn
      from jobs j left join running r on r.lane = j.lane and r.repository_id is not distinct from j.repository_id
      where j.state = 'ready' and j.run_at <= now() and j.kind = any(${[...kinds]})
    ), placed as (
      select r.*, coalesce(l.n, 0) + row_number() over (partition by r.lane order by r.priority desc, r.turn, r.id) as place
      from ranked r left join lanes l on l.lane = r.lane
      where r.turn <= coalesce(r.repository_cap, ${NO_CAP})
    ), picked as (
      select j.id from jobs j join placed p on p.id = j.id
      where p.place <= coalesce(p.lane_cap, ${NO_CAP})
      order by p.priority desc, p.turn, p.id
      limit ${limit} for update of j skip locked
    )
    update jobs set state = 'running', generation = jobs.generation + 1, process_id = ${processId},
      claimed_at = now(), run_again = false
    from picked where jobs.id = picked.id
    returning jobs.id, kind, payload, repository_id, attempts, deaths, generation`
}

function toClaimedJob(row: JobRow): ClaimedJob {
  return {
    id: row.id,
    kind: row.kind,
    payload: row.payload,
    repositoryId: row.repository_id === null ? null : Number(row.repository_id),
    attempts: row.attempts,
    deaths: row.deaths,
    // The queue is the only place that makes a lease.
    lease: { jobId: row.id, generation: Number(row.generation) } as Lease,
  }
}
