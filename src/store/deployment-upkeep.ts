/** Finds what a crash or an end from outside left half done. Safe to repeat. */
import type { DeploymentUpkeep } from '../deployment/ports.ts'
import { raw, sql, type Database } from './database.ts'
import { endDeploymentReports } from './deployment-reports.ts'
import { enqueueJobs, JOBS_CHANNEL } from './jobs.ts'

/** `serviceLane` of `deployment/`, said in SQL. */
const LANE = raw(
  `('service:' || s.repository_id || '/' || s.key || case when s.pull_request > 0 then '/pr-' || s.pull_request else '' end)`,
)

export function createDeploymentUpkeep(db: Database): DeploymentUpkeep {
  return {
    async closeEnded() {
      await db.transaction(async (tx) => {
        const rows = await tx.rows<{ run_id: string; release_id: string | null }>(sql`
          update deployments d set state = case when r.reason = 'superseded' then 'superseded' else 'cancelled' end, state_since = now()
          from runs r where r.id = d.run_id and r.state = 'completed' and d.state in ('queued', 'building', 'publishing', 'waiting')
          returning d.run_id, d.release_id`)
        if (rows.length === 0) return
        const runIds = rows.map((row) => row.run_id)
        await tx.run(
          sql`update releases set outcome = 'dropped' where run_id = any(${runIds}::uuid[]) and outcome = 'prepared'`,
        )
        await endDeploymentReports(tx, runIds, 'cancelled')
      })
    },
    async resumeAbandoned(jobKind) {
      const rows = await db.rows<{ run_id: string; lane: string; repository_id: string }>(sql`
        select d.run_id, r.repository_id, ${LANE} as lane
        from deployments d join runs r on r.id = d.run_id join services s on s.id = d.service_id
        where d.state in ('rolling', 'baking') and not exists (
          select 1 from jobs j where j.key = 'run:' || d.run_id::text and j.state in ('ready', 'running'))`)
      if (rows.length === 0) return
      await enqueueJobs(
        db,
        rows.map((row) => ({
          kind: jobKind,
          key: `run:${row.run_id}`,
          payload: { runId: row.run_id },
          repositoryId: Number(row.repository_id),
          lane: row.lane,
          laneCap: 1,
        })),
      )
      await db.notify(JOBS_CHANNEL, '')
    },
    async wake(serviceId) {
      await db.run(
        sql`update jobs set run_at = now() where state = 'ready' and lane = (select ${LANE} from services s where s.id = ${serviceId})`,
      )
      await db.notify(JOBS_CHANNEL, '')
    },
  }
}
