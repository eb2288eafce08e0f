/** The outbox of GitHub's Deployments; the same rules as that of check runs (`reports.ts`). */
import {
  DEPLOYMENT_REPORT_STATES,
  type DeploymentReportStore,
  type DesiredDeployment,
} from '../core/deployment-report.ts'
import { sql, type Database, type Queryable } from './database.ts'
import { enqueueJobs } from './jobs.ts'
import { toJsonb } from './jsonb.ts'
import { reportJob } from './reports.ts'

const FINAL: readonly string[] = DEPLOYMENT_REPORT_STATES.filter(
  (state) => state !== 'queued' && state !== 'in_progress',
)

/** Within the caller's transaction; the caller notifies after its commit. */
export async function setDeploymentReport(tx: Queryable, runId: string, desired: DesiredDeployment): Promise<void> {
  const row = await tx.first<{ installation_id: string }>(sql`
    insert into deployment_reports (run_id, repository_id, installation_id, desired, is_terminal)
    select runs.id, runs.repository_id, repositories.installation_id, ${toJsonb(desired)}::jsonb, ${FINAL.includes(desired.state)}
    from runs join repositories on repositories.id = runs.repository_id where runs.id = ${runId}
    on conflict (run_id) do update set desired = excluded.desired, is_terminal = excluded.is_terminal,
      version = deployment_reports.version + 1, next_try_at = least(deployment_reports.next_try_at, now()), updated_at = now()
    where deployment_reports.desired <> excluded.desired
    returning installation_id`)
  if (row !== null) await enqueueJobs(tx, [reportJob(Number(row.installation_id))])
}

/** What these runs deployed is not there any more, or never will be. Within the caller's transaction. */
export async function endDeploymentReports(tx: Queryable, runIds: readonly string[], why: string): Promise<void> {
  const told = await tx.rows<{ installation_id: string }>(sql`
    update deployment_reports set desired = desired || ${toJsonb({ state: 'inactive', description: why })}::jsonb,
      is_terminal = true, version = version + 1, next_try_at = least(next_try_at, now()), updated_at = now()
    where run_id = any(${runIds}::uuid[]) and desired ->> 'state' not in ('inactive', 'failure', 'error') returning installation_id`)
  await enqueueJobs(
    tx,
    told.map((row) => reportJob(Number(row.installation_id))),
  )
}

interface PendingRow {
  readonly run_id: string
  readonly repository_id: string
  readonly owner: string
  readonly repository: string
  readonly deployment_id: string | null
  readonly may_exist: boolean
  readonly desired: DesiredDeployment
  readonly version: number
  readonly failures: number
}

export function createDeploymentReportStore(db: Database): DeploymentReportStore {
  return {
    async nextDeployment(installationId) {
      const row = await db.first<PendingRow>(sql`
        select d.run_id, d.repository_id, p.owner, p.name as repository, d.deployment_id,
          d.creating_since is not null as may_exist, d.desired, d.version, d.failures
        from deployment_reports d join repositories p on p.id = d.repository_id
        where d.installation_id = ${installationId} and d.sent_version < d.version and d.given_up_at is null
          and d.next_try_at <= now()
        order by d.is_terminal desc, d.updated_at limit 1`)
      if (row === null) return null
      return {
        runId: row.run_id,
        repositoryId: Number(row.repository_id),
        owner: row.owner,
        repository: row.repository,
        deploymentId: row.deployment_id === null ? null : Number(row.deployment_id),
        mayExist: row.may_exist,
        desired: row.desired,
        version: row.version,
        failures: row.failures,
      }
    },
    async untilNextDeployment(installationId) {
      const row = await db.first<{ wait: number | null }>(sql`
        select (extract(epoch from min(next_try_at) - now()) * 1000)::float8 as wait from deployment_reports
        where installation_id = ${installationId} and sent_version < version and given_up_at is null`)
      return row?.wait == null ? null : Math.max(0, row.wait)
    },
    async markCreatingDeployment(runId) {
      await db.run(sql`update deployment_reports set creating_since = now() where run_id = ${runId}`)
    },
    async keepDeploymentId(runId, deploymentId) {
      await db.run(sql`update deployment_reports set deployment_id = ${deploymentId} where run_id = ${runId}`)
    },
    async markDeploymentSent(runId, version) {
      await db.run(sql`update deployment_reports set sent_version = greatest(sent_version, ${version}), failures = 0,
        last_error = null where run_id = ${runId}`)
    },
    async markDeploymentFailed(runId, cause, retryInMs) {
      await db.run(sql`update deployment_reports set failures = failures + 1, last_error = ${cause},
        next_try_at = now() + ${retryInMs} * interval '1 millisecond' where run_id = ${runId}`)
    },
    async giveUpDeployment(runId, cause) {
      await db.run(
        sql`update deployment_reports set given_up_at = now(), last_error = ${cause} where run_id = ${runId}`,
      )
    },
    async installationsWithUnsentDeployments() {
      const rows = await db.rows<{ installation_id: string }>(sql`
        select distinct installation_id from deployment_reports where sent_version < version and given_up_at is null`)
      return rows.map((row) => Number(row.installation_id))
    },
  }
}
