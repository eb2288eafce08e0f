/**
 * Deployments in PostgreSQL. A step is one transaction under the lease of the job: the new state, what it makes of
 * releases and of the service, what GitHub should show and what people are told. So a crash is always between two steps.
 */
import { SlipwayError } from '../core/errors.ts'
import type { Lease } from '../core/lease.ts'
import { DEPLOYMENT_STATES, mayFollow, type DeploymentState } from '../deployment/index.ts'
import type { DeploymentChange, DeploymentStore } from '../deployment/ports.ts'
import type { Deployment, RollFailure } from '../deployment/index.ts'
import { raw, sql, type Database, type Queryable } from './database.ts'
import { setDeploymentReport } from './deployment-reports.ts'
import { JOBS_CHANNEL, underLease } from './jobs.ts'
import { toJsonb } from './jsonb.ts'
import { enqueueMessage } from './outbox.ts'
import { isUuid } from './runs.ts'

interface DeploymentRow {
  readonly run_id: string
  readonly service_id: string
  readonly state: DeploymentState
  readonly direction: 'forward' | 'back'
  readonly release_id: string | null
  readonly previous_release_id: string | null
  readonly failure: RollFailure | null
  readonly warnings: readonly string[]
  readonly override_by: string | null
  readonly override_reason: string | null
  readonly timeline: Deployment['timeline']
  readonly in_state_ms: number
}

const COLUMNS =
  raw(`run_id, service_id, state, direction, release_id, previous_release_id, failure, warnings, override_by,
  override_reason, timeline, (extract(epoch from now() - state_since) * 1000)::float8 as in_state_ms`)

export function createDeploymentStore(db: Database): DeploymentStore {
  return {
    async open(runId, serviceId) {
      await db.run(sql`insert into deployments (run_id, service_id, timeline)
        values (${runId}, ${serviceId}, jsonb_build_array(jsonb_build_object('state', 'queued', 'at', now())))
        on conflict (run_id) do nothing`)
      const row = await db.first<DeploymentRow>(sql`select ${COLUMNS} from deployments where run_id = ${runId}`)
      if (row === null) throw new SlipwayError('internal', `the deployment of run ${runId} is gone`)
      return toDeployment(row)
    },
    async get(runId) {
      if (!isUuid(runId)) return null
      const row = await db.first<DeploymentRow>(sql`select ${COLUMNS} from deployments where run_id = ${runId}`)
      return row === null ? null : toDeployment(row)
    },
    async change(lease, runId, change) {
      const changed = await db.transaction((tx) => step(tx, lease, runId, change))
      // Only what is told to somebody makes jobs.
      if ((change.reports ?? []).length > 0 || (change.outbox ?? []).length > 0) await db.notify(JOBS_CHANNEL, '')
      return changed
    },
    async overrideFreeze(runId, by, reason) {
      await db.run(sql`update deployments set override_by = ${by}, override_reason = ${reason} where run_id = ${runId}`)
    },
    async list(serviceId, limit) {
      const rows = await db.rows<DeploymentRow>(sql`select ${COLUMNS} from deployments where service_id = ${serviceId}
        order by created_at desc limit ${limit}`)
      return rows.map(toDeployment)
    },
  }
}

async function step(tx: Queryable, lease: Lease, runId: string, change: DeploymentChange): Promise<Deployment> {
  const from = DEPLOYMENT_STATES.filter((state) => state === change.state || mayFollow(state, change.state))
  const row = await tx.first<DeploymentRow>(sql`
    update deployments set
      direction = coalesce(${change.direction ?? null}, direction),
      release_id = coalesce(${change.releaseId ?? null}::uuid, release_id),
      previous_release_id = case when ${change.previousReleaseId !== undefined} then ${change.previousReleaseId ?? null}::uuid else previous_release_id end,
      failure = coalesce(${change.failure === undefined ? null : toJsonb(change.failure)}::jsonb, failure),
      warnings = warnings || ${toJsonb(change.warnings ?? [])}::jsonb,
      timeline = case when state = ${change.state} then timeline
        else timeline || jsonb_build_object('state', ${change.state}::text, 'at', now()) end,
      state_since = case when state = ${change.state} then state_since else now() end,
      state = ${change.state}
    where run_id = ${runId} and state = any(${from}) and ${underLease(lease)} returning ${COLUMNS}`)
  if (row === null) throw await refusal(tx, runId, change.state)
  await changeReleases(tx, row, change)
  await changeService(tx, row.service_id, change)
  if (change.pausesLimit !== undefined) await setLimit(tx, runId, change.pausesLimit)
  for (const report of change.reports ?? []) await setDeploymentReport(tx, report.runId, report.desired)
  for (const message of change.outbox ?? []) await enqueueMessage(tx, message)
  return toDeployment(row)
}

async function refusal(tx: Queryable, runId: string, wanted: DeploymentState): Promise<SlipwayError> {
  const row = await tx.first<{ state: DeploymentState }>(sql`select state from deployments where run_id = ${runId}`)
  if (row !== null && row.state !== wanted && !mayFollow(row.state, wanted)) {
    return new SlipwayError('internal', `a deployment that is ${row.state} cannot become ${wanted}`)
  }
  return new SlipwayError('lease_lost', `another process works on run ${runId} now`)
}

async function changeReleases(tx: Queryable, row: DeploymentRow, change: DeploymentChange): Promise<void> {
  // The one that leaves goes first: only one release of a service is live at a time.
  const ordered = [...(change.releases ?? [])].toSorted(
    (one, other) => Number(one.outcome === 'live') - Number(other.outcome === 'live'),
  )
  for (const { id, outcome, reason } of ordered) {
    const isLive = outcome === 'live'
    if (isLive) {
      await tx.run(sql`update releases set outcome = 'replaced', live_until = now()
        where service_id = ${row.service_id} and outcome = 'live' and id <> ${id}`)
    }
    await tx.run(sql`update releases set outcome = ${outcome}, reason = coalesce(${reason ?? null}, reason),
      live_since = case when ${isLive} then now() else live_since end,
      live_until = case when ${isLive} then null when outcome = 'live' then now() else live_until end where id = ${id}`)
  }
}

async function changeService(tx: Queryable, serviceId: string, { service }: DeploymentChange): Promise<void> {
  if (service === undefined) return
  if (service.liveReleaseId !== undefined)
    await tx.run(
      sql`update services set live_release_id = ${service.liveReleaseId}, drift = null, drift_since = null where id = ${serviceId}`,
    )
  if (service.heldSha !== undefined)
    await tx.run(sql`update services set held_sha = ${service.heldSha} where id = ${serviceId}`)
  if (service.expiresAt !== undefined)
    await tx.run(sql`update services set expires_at = ${service.expiresAt} where id = ${serviceId}`)
}

/** A run that waits for a person must not run out of time meanwhile; afterwards it has its whole limit again. */
async function setLimit(tx: Queryable, runId: string, isPaused: boolean): Promise<void> {
  await tx.run(sql`update runs set deadline_at = case when ${isPaused} then null else now() + timeout_ms * interval '1 millisecond' end
    where id = ${runId} and state <> 'completed'`)
}

function toDeployment(row: DeploymentRow): Deployment {
  return {
    runId: row.run_id,
    serviceId: row.service_id,
    state: row.state,
    direction: row.direction,
    releaseId: row.release_id,
    previousReleaseId: row.previous_release_id,
    failure: row.failure,
    freezeOverride: row.override_by === null ? null : { by: row.override_by, reason: row.override_reason ?? '' },
    inStateMs: row.in_state_ms,
    warnings: row.warnings,
    timeline: row.timeline,
  }
}
