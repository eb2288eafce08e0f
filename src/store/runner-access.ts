/** Registration of runners by a nonce, and which run a caller of the runner's API means. */
import { createHash, randomBytes } from 'node:crypto'
import type { Run } from '../core/run.ts'
import type { RunnerAccess, TriggerRecord } from '../http/ports.ts'
import { writeAudit } from './audit.ts'
import { raw, sql, type Database } from './database.ts'
import { isUuid } from './runs.ts'
import { toRun, type RunRow } from './run-row.ts'

/** Long enough to paste it into another window. */
const NONCE_LIFE_MS = 10 * 60_000
const NONCE_BYTES = 16

const SELECT_RUN = raw(`select r.*, x.pipeline_id as trigger_pipeline_id, x.stage_id as trigger_stage_id
  from runs r join repositories p on p.id = r.repository_id left join runner_triggers x on x.run_id = r.id`)

interface TriggeredRow extends RunRow {
  readonly trigger_pipeline_id: string | null
  readonly trigger_stage_id: string | null
}

export function createRunnerAccess(db: Database): RunnerAccess {
  const visibleTo = (
    organization: string | null,
  ) => sql`(${organization}::text is null or lower(p.owner) = lower(${organization})
    or (x.run_id is not null and lower(x.organization) = lower(${organization})))`
  return {
    async issueNonce(organization, actor) {
      const nonce = randomBytes(NONCE_BYTES).toString('hex').toUpperCase()
      const row = await db.transaction(async (tx) => {
        await writeAudit(tx, { actor, action: 'runner.nonce', subject: `organization:${organization}` })
        return tx.first<{ expires_at: Date }>(sql`
          insert into runner_nonces (hash, organization, created_by, expires_at)
          values (${hashOf(nonce)}, ${organization}, ${actor}, now() + ${NONCE_LIFE_MS} * interval '1 millisecond') returning expires_at`)
      })
      return { nonce, expiresAt: row?.expires_at ?? new Date(0) }
    },
    async spendNonce(nonce) {
      const row = await db.first<{ organization: string; created_by: string }>(sql`
        update runner_nonces set used_at = now() where hash = ${hashOf(nonce)} and used_at is null and expires_at > now()
        returning organization, created_by`)
      return row === null ? null : { organization: row.organization, createdBy: row.created_by }
    },
    async recordTrigger({ runId, pipelineId, stageId, organization }) {
      await db.run(sql`insert into runner_triggers (run_id, pipeline_id, stage_id, organization)
        values (${runId}, ${pipelineId}, ${stageId}, ${organization}) on conflict do nothing`)
    },
    async newestOfStage(stageId, organization) {
      const row = await db.first<TriggeredRow>(sql`${SELECT_RUN}
        where (x.stage_id = ${stageId} or (x.run_id is null and (r.plan->>'stage' = ${stageId} or r.name = ${stageId} or r.id::text = ${stageId})))
          and ${visibleTo(organization)}
        order by r.created_at desc, r.id desc limit 1`)
      return row === null ? null : toTriggered(row)
    },
    async run(runId, organization) {
      if (!isUuid(runId)) return null
      const row = await db.first<TriggeredRow>(sql`${SELECT_RUN} where r.id = ${runId} and ${visibleTo(organization)}`)
      return row === null ? null : toTriggered(row)
    },
    async runs(organization, limit) {
      const rows = await db.rows<TriggeredRow>(
        sql`${SELECT_RUN} where ${visibleTo(organization)} order by r.created_at desc, r.id desc limit ${limit}`,
      )
      return rows.map(toTriggered)
    },
  }
}

function toTriggered(row: TriggeredRow): { readonly run: Run; readonly trigger: TriggerRecord | null } {
  const { trigger_pipeline_id: pipelineId, trigger_stage_id: stageId } = row
  return { run: toRun(row), trigger: pipelineId === null || stageId === null ? null : { pipelineId, stageId } }
}

function hashOf(nonce: string): Buffer {
  return createHash('sha256').update(nonce).digest()
}
