/**
 * Runs in PostgreSQL. Every verb is one transaction over the run, its story and its report (`RunStore` says why).
 * A state only moves forward: `queued` to `in_progress` to `completed`; a completed run is never changed again.
 */
import { SlipwayError } from '../core/errors.ts'
import type { Lease } from '../core/lease.ts'
import type { Run, RunEventEntry } from '../core/run.ts'
import type { NewRun, RunEnd, RunFilter, RunStore } from '../core/run-store.ts'
import { empty, join, sql, type Database, type Queryable } from './database.ts'
import { enqueueJobs, JOBS_CHANNEL, underLease } from './jobs.ts'
import { storableText, toJsonb } from './jsonb.ts'
import type { Notifications } from './notifications.ts'
import { setReport } from './reports.ts'
import { RUN_COLUMNS, toRun, type RunRow } from './run-row.ts'

/** On it travels the id of a run whose state changed or that somebody wants to end. */
export const RUNS_CHANNEL = 'slipway_runs'
/** A lost notification must not make a cancel wait for ever. */
const CANCEL_POLL_MS = 2_000
const DEFAULT_PAGE = 50
const LARGEST_PAGE = 500

export function createRunStore(db: Database, notifications: Notifications): RunStore {
  const changed = async (runId: string): Promise<void> => {
    await Promise.all([db.notify(RUNS_CHANNEL, runId), db.notify(JOBS_CHANNEL, '')])
  }

  return {
    async create(runs) {
      const created = await db.transaction(async (tx) => {
        const made: Run[] = []
        for (const run of runs) {
          const inserted = await insertRun(tx, run)
          if (inserted !== null) made.push(inserted)
        }
        return made
      })
      await Promise.all(created.map((run) => changed(run.id)))
      return created
    },
    async get(runId) {
      if (!isUuid(runId)) return null
      const row = await db.first<RunRow>(sql`select ${RUN_COLUMNS} from runs where id = ${runId}`)
      return row === null ? null : toRun(row)
    },
    async list(filter) {
      const rows = await db.rows<RunRow>(sql`
        select ${RUN_COLUMNS} from runs where ${filterCondition(filter)}
        order by created_at desc, id limit ${Math.min(filter.limit ?? DEFAULT_PAGE, LARGEST_PAGE)}`)
      return rows.map(toRun)
    },
    async lastAttempt(repositoryId, sha, name) {
      const row = await db.first<{ attempt: number }>(sql`select coalesce(max(attempt), 0)::integer as attempt from runs
        where repository_id = ${repositoryId} and sha = ${sha} and name = ${name}`)
      return row?.attempt ?? 0
    },
    story: (runId) =>
      db.rows<RunEventEntry>(sql`select at, kind, message from run_events where run_id = ${runId} order by id`),

    async release(runId, job, report, story) {
      const released = await db.transaction(async (tx) => {
        const run = await tx.first<{ repository_id: string }>(sql`
          update runs set reason = null where id = ${runId} and state = 'queued'
            and not exists (select 1 from jobs where key = ${jobKey(runId)}) returning repository_id`)
        if (run === null) return false
        await enqueueJobs(tx, [
          { ...job, key: jobKey(runId), payload: { runId }, repositoryId: Number(run.repository_id) },
        ])
        await tell(tx, runId, 'released', story)
        await setReport(tx, runId, report)
        return true
      })
      if (released) await changed(runId)
      return released
    },
    async start(lease, runId, report, story) {
      const run = await db.transaction(async (tx) => {
        const row = await tx.first<RunRow & { readonly time_left: number | null }>(sql`
          update runs set state = 'in_progress', started_at = coalesce(started_at, now()), reason = null,
            deadline_at = coalesce(deadline_at, now() + timeout_ms * interval '1 millisecond')
          where id = ${runId} and state <> 'completed' and ${underLease(lease)}
          returning ${RUN_COLUMNS}, (extract(epoch from deadline_at - now()) * 1000)::float8 as time_left`)
        if (row === null) throw leaseLost(runId)
        await tell(tx, runId, 'started', story)
        await setReport(tx, runId, report)
        return { ...toRun(row), timeLeftMs: row.time_left }
      })
      await changed(runId)
      return run
    },
    async progress(lease, runId, change) {
      await db.transaction(async (tx) => {
        await assertHeld(tx, lease, runId)
        if (change.result !== undefined) {
          await tx.run(sql`update runs set result = ${toJsonb(change.result)}::jsonb where id = ${runId}`)
        }
        if (change.story !== undefined) await tell(tx, runId, 'progress', change.story)
        if (change.report !== undefined) await setReport(tx, runId, change.report)
      })
      await changed(runId)
    },
    async complete(lease, runId, end) {
      await db.transaction(async (tx) => {
        await assertHeld(tx, lease, runId)
        await endRun(tx, runId, end)
      })
      await changed(runId)
    },
    async completeIdle(runId, end) {
      const ended = await db.transaction(async (tx) => {
        const run = await tx.first(sql`select id from runs where id = ${runId} and state <> 'completed' for update`)
        if (run === null) return false
        const busy = await tx.first(sql`select id from jobs where key = ${jobKey(runId)} and state = 'running'`)
        if (busy !== null) return false
        await tx.run(sql`delete from jobs where key = ${jobKey(runId)} and state in ('ready', 'parked')`)
        await endRun(tx, runId, end)
        return true
      })
      if (ended) await changed(runId)
      return ended
    },
    async completeForced(runId, end) {
      await db.transaction(async (tx) => {
        const run = await tx.first(sql`select id from runs where id = ${runId} and state <> 'completed' for update`)
        if (run === null) return
        await tx.run(sql`delete from jobs where key = ${jobKey(runId)}`)
        await endRun(tx, runId, end)
      })
      await changed(runId)
    },
    async requestCancel(runId, { reason, by }) {
      const asked = await db.run(sql`
        update runs set cancel_requested_at = now(), cancel_reason = ${storableText(reason)}, cancel_by = ${by}
        where id = ${runId} and state <> 'completed' and cancel_requested_at is null`)
      if (asked === 0) return
      await tell(db, runId, 'cancel_requested', reason)
      await changed(runId)
    },
    note: (runId, kind, message) => tell(db, runId, kind, message),
    onCancel(runId, listener) {
      let isDone = false
      const look = async (): Promise<void> => {
        const row = await db.first<{ cancel_reason: string | null; cancel_requested_at: Date | null }>(
          sql`select cancel_reason, cancel_requested_at from runs where id = ${runId}`,
        )
        if (isDone || row?.cancel_requested_at == null) return
        stop()
        listener({ reason: row.cancel_reason ?? 'cancelled' })
      }
      // A failed look is repeated by the next poll.
      const lookSafely = (): void => void look().catch(() => undefined)
      const unsubscribe = notifications.subscribe(RUNS_CHANNEL, (id) => {
        if (id === runId || id === '') lookSafely()
      })
      const poll = setInterval(lookSafely, CANCEL_POLL_MS)
      const stop = (): void => {
        isDone = true
        clearInterval(poll)
        unsubscribe()
      }
      lookSafely()
      return stop
    },
    async overdue(graceMs) {
      const rows = await db.rows<RunRow>(sql`select ${RUN_COLUMNS} from runs
        where state <> 'completed' and deadline_at < now() - ${graceMs} * interval '1 millisecond' limit 100`)
      return rows.map(toRun)
    },
  }
}

export function jobKey(runId: string): string {
  return `run:${runId}`
}

async function insertRun(tx: Queryable, run: NewRun): Promise<Run | null> {
  const { source, report } = run
  const isCompleted = report.status === 'completed'
  const row = await tx.first<RunRow>(sql`
    insert into runs (kind, repository_id, sha, name, attempt, state, conclusion, reason, event, trust, ref, branch, tag,
      pull_request, actor, group_id, supersede_key, plan, timeout_ms, completed_at)
    values (${run.kind}, ${run.repositoryId}, ${run.sha}, ${run.name}, ${run.attempt},
      ${isCompleted ? 'completed' : 'queued'}, ${report.conclusion}, ${run.reason ?? null}, ${source.event},
      ${source.trust}, ${source.ref}, ${source.branch}, ${source.tag}, ${source.pullRequest}, ${source.actor},
      ${run.groupId}, ${run.supersedeKey}, ${toJsonb(run.plan)}::jsonb, ${run.timeoutMs},
      case when ${isCompleted} then now() end)
    on conflict (repository_id, sha, name, attempt) do nothing returning ${RUN_COLUMNS}`)
  if (row === null) return null
  await tell(tx, row.id, 'created', run.story)
  await setReport(tx, row.id, report)
  if (run.job !== null && !isCompleted) {
    await enqueueJobs(tx, [
      { ...run.job, key: jobKey(row.id), payload: { runId: row.id }, repositoryId: run.repositoryId },
    ])
  }
  return toRun(row)
}

async function endRun(tx: Queryable, runId: string, end: RunEnd): Promise<void> {
  const ended = await tx.run(sql`
    update runs set state = 'completed', conclusion = ${end.conclusion}, reason = ${end.reason}, completed_at = now(),
      result = ${toJsonb(end.result ?? null)}::jsonb
    where id = ${runId} and state <> 'completed'`)
  if (ended === 0) throw new SlipwayError('lease_lost', `run ${runId} has ended already`)
  await tell(tx, runId, 'completed', end.story)
  await setReport(tx, runId, end.report)
}

async function assertHeld(tx: Queryable, lease: Lease, runId: string): Promise<void> {
  const held = await tx.first(sql`select id from runs
    where id = ${runId} and state <> 'completed' and ${underLease(lease)} for update`)
  if (held === null) throw leaseLost(runId)
}

async function tell(tx: Queryable, runId: string, kind: string, message: string): Promise<void> {
  await tx.run(sql`insert into run_events (run_id, kind, message) values (${runId}, ${kind}, ${storableText(message)})`)
}

function leaseLost(runId: string): SlipwayError {
  return new SlipwayError('lease_lost', `another process works on run ${runId} now`)
}

function filterCondition(filter: RunFilter) {
  const conditions = [
    filter.repositoryId === undefined ? empty : sql`repository_id = ${filter.repositoryId}`,
    filter.supersedeKey === undefined ? empty : sql`supersede_key = ${filter.supersedeKey}`,
    filter.groupId === undefined ? empty : sql`group_id = ${filter.groupId}`,
    filter.pullRequest === undefined ? empty : sql`pull_request = ${filter.pullRequest}`,
    filter.sha === undefined ? empty : sql`sha = ${filter.sha}`,
    filter.name === undefined ? empty : sql`name = ${filter.name}`,
    filter.kind === undefined ? empty : sql`kind = ${filter.kind}`,
    filter.isOpen === undefined ? empty : filter.isOpen ? sql`state <> 'completed'` : sql`state = 'completed'`,
    filter.before === undefined ? empty : sql`created_at < ${filter.before}`,
  ].filter((condition) => condition !== empty)
  return conditions.length === 0 ? sql`true` : join(conditions, ' and ')
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** An id from outside that is no uuid belongs to nothing; PostgreSQL would throw on it. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}
