/**
 * The outbox of check runs: one row per run with the state that GitHub should show and the version that it has been
 * sent. Features only ever raise the version; the sender of the installation catches up, so intermediate states
 * coalesce by themselves and the last one is never lost.
 */
import type { DesiredCheck } from '../core/check.ts'
import type { CheckReportStore, PendingCheck } from '../github/ports.ts'
import { raw, sql, type Database, type Queryable } from './database.ts'
import { enqueueJobs, JOBS_CHANNEL, underLease } from './jobs.ts'
import { toJsonb } from './jsonb.ts'

/** Kind of the job that sends an installation's reports. */
export const REPORT_JOB = 'report'

/**
 * A creation whose answer never came may still be under way at GitHub for this long; until then, not finding the check
 * run does not mean that there is none. Longer than the limit of the request itself.
 */
const CREATION_SETTLES = raw(`interval '25 seconds'`)

/** Unsent reports of repositories that may be written to. */
const IS_SENDABLE = raw(`c.sent_version < c.version and c.given_up_at is null and exists (
  select 1 from repositories s left join installations i on i.id = s.installation_id
  where s.id = c.repository_id and s.removed_at is null and i.suspended_at is null and i.deleted_at is null)`)

export async function setReport(tx: Queryable, runId: string, desired: DesiredCheck): Promise<void> {
  const row = await tx.first<{ installation_id: string }>(sql`
    insert into check_reports (run_id, repository_id, installation_id, desired, is_terminal)
    select runs.id, runs.repository_id, repositories.installation_id, ${toJsonb(desired)}::jsonb, ${desired.status === 'completed'}
    from runs join repositories on repositories.id = runs.repository_id
    where runs.id = ${runId} and repositories.id > 0 -- checkouts of this machine have no GitHub
    on conflict (run_id) do update set installation_id = excluded.installation_id, desired = excluded.desired, is_terminal = excluded.is_terminal,
      version = check_reports.version + 1, next_try_at = least(check_reports.next_try_at, now()), updated_at = now(),
      -- what was refused before may be accepted now: a permission was granted, the commit is visible
      given_up_at = null, failures = case when check_reports.given_up_at is null then check_reports.failures else 0 end
    returning installation_id`)
  if (row === null) return
  await enqueueJobs(tx, [reportJob(Number(row.installation_id))])
}

export function reportJob(installationId: number) {
  return { kind: REPORT_JOB, key: `report:${installationId}`, payload: { installationId }, lane: 'report' }
}

interface PendingRow {
  readonly run_id: string
  readonly repository_id: string
  readonly owner: string
  readonly repository: string
  readonly sha: string
  readonly name: string
  readonly attempt: number
  readonly created_at: Date
  readonly started_at: Date | null
  readonly completed_at: Date | null
  readonly check_run_id: string | null
  readonly may_exist: boolean
  readonly creation_settles_in: number
  readonly desired: DesiredCheck
  readonly version: number
  readonly annotations_sent: number
  readonly shown_completed: boolean
  readonly failures: number
}

export function createCheckReportStore(db: Database): CheckReportStore {
  return {
    async nextCheck(installationId) {
      const row = await db.first<PendingRow>(sql`
        select c.run_id, c.repository_id, p.owner, p.name as repository, r.sha, r.name, r.attempt, r.created_at,
          r.started_at, r.completed_at, c.check_run_id, c.creating_since is not null as may_exist,
          coalesce(extract(epoch from c.creating_since + ${CREATION_SETTLES} - now()) * 1000, 0)::float8 as creation_settles_in,
          c.desired, c.version, c.annotations_sent, c.shown_completed, c.failures
        from check_reports c join runs r on r.id = c.run_id join repositories p on p.id = c.repository_id
        where c.installation_id = ${installationId} and ${IS_SENDABLE} and c.next_try_at <= now()
        order by c.is_terminal desc, c.updated_at limit 1`)
      return row === null ? null : toPendingCheck(row)
    },
    async untilNextCheck(installationId) {
      const row = await db.first<{ wait: number | null }>(sql`
        select (extract(epoch from min(c.next_try_at) - now()) * 1000)::float8 as wait from check_reports c
        where c.installation_id = ${installationId} and ${IS_SENDABLE}`)
      return row?.wait == null ? null : Math.max(0, row.wait)
    },
    async beginSending(lease, { runId, version, checkRunId }, isCreation) {
      const begun = await db.run(sql`
        update check_reports set creating_since = case when ${isCreation} then now() else creating_since end
        where run_id = ${runId} and sent_version < ${version} and check_run_id is not distinct from ${checkRunId}::bigint
          and ${underLease(lease)}`)
      return begun > 0
    },
    async creationAnswered(runId) {
      await db.run(
        sql`update check_reports set creating_since = creating_since - ${CREATION_SETTLES} where run_id = ${runId}`,
      )
    },
    async keepCheckRunId(runId, checkRunId) {
      await db.run(sql`update check_reports set check_run_id = ${checkRunId} where run_id = ${runId}`)
    },
    async markSent(lease, runId, { version, annotationsSent, isCompleted }) {
      const marked =
        await db.run(sql`update check_reports set sent_version = greatest(sent_version, ${version}), failures = 0,
        annotations_sent = ${annotationsSent}, shown_completed = ${isCompleted}, last_error = null where run_id = ${runId} and ${underLease(lease)}`)
      return marked > 0
    },
    async sendAgain(runId) {
      const row = await db.first<{ installation_id: string }>(sql`update check_reports set version = version + 1,
        next_try_at = now() where run_id = ${runId} returning installation_id`)
      if (row === null) return
      await enqueueJobs(db, [reportJob(Number(row.installation_id))])
      await db.notify(JOBS_CHANNEL, '')
    },
    async markFailed(runId, cause, retryInMs) {
      await db.run(sql`update check_reports set failures = failures + 1, last_error = ${cause},
        next_try_at = now() + ${retryInMs} * interval '1 millisecond' where run_id = ${runId}`)
    },
    async giveUp(runId, cause) {
      await db.run(sql`update check_reports set given_up_at = now(), last_error = ${cause} where run_id = ${runId}`)
    },
    async installationsWithUnsent() {
      // A repository that was transferred belongs to another installation now.
      await db.run(sql`update check_reports c set installation_id = s.installation_id from repositories s
        where s.id = c.repository_id and s.installation_id <> c.installation_id and c.sent_version < c.version`)
      const rows = await db.rows<{ installation_id: string }>(sql`
        select distinct c.installation_id from check_reports c where ${IS_SENDABLE}`)
      return rows.map((row) => Number(row.installation_id))
    },
  }
}

function toPendingCheck(row: PendingRow): PendingCheck {
  return {
    runId: row.run_id,
    repositoryId: Number(row.repository_id),
    owner: row.owner,
    repository: row.repository,
    sha: row.sha,
    name: row.name,
    attempt: row.attempt,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    checkRunId: row.check_run_id === null ? null : Number(row.check_run_id),
    mayExist: row.may_exist,
    creationSettlesInMs: Math.max(0, row.creation_settles_in),
    desired: row.desired,
    version: row.version,
    annotationsSent: row.annotations_sent,
    isShownCompleted: row.shown_completed,
    failures: row.failures,
  }
}
