/** The history of every service, as long as a rollback may need it. */
import type { ServiceConfig } from '../config/repository-config.ts'
import { SlipwayError } from '../core/errors.ts'
import type { ReleaseStore } from '../deployment/ports.ts'
import type { Release } from '../deployment/index.ts'
import { raw, sql, type Database } from './database.ts'
import { underLease } from './jobs.ts'
import { isUuid } from './runs.ts'

interface ReleaseRow {
  readonly id: string
  readonly service_id: string
  readonly number: number
  readonly sha: string
  readonly image_id: string
  readonly image_digest: string | null
  readonly image_host: string
  readonly config: ServiceConfig
  readonly secret_versions: Readonly<Record<string, number>>
  readonly run_id: string
  readonly approved_by: string | null
  readonly outcome: Release['outcome']
  readonly reason: string | null
  readonly created_at: Date
  readonly live_since: Date | null
  readonly live_until: Date | null
  readonly pruned_at: Date | null
}

const COLUMNS = raw(`id, service_id, number, sha, image_id, image_digest, image_host, config, secret_versions, run_id,
  approved_by, outcome, reason, created_at, live_since, live_until, pruned_at`)

export function createReleaseStore(db: Database): ReleaseStore {
  return {
    async prepare(lease, { serviceId, runId, sha, image, config, secretVersions }) {
      return db.transaction(async (tx) => {
        // Numbers follow each other without gaps, so they are given under the service's row.
        await tx.run(sql`select id from services where id = ${serviceId} for update`)
        await tx.run(sql`
          insert into releases (service_id, number, sha, image_id, image_digest, image_host, config, secret_versions, run_id)
          select ${serviceId}, coalesce(max(number), 0) + 1, ${sha}, ${image.imageId}, ${image.digest}, ${image.host},
            ${JSON.stringify(config)}::jsonb, ${JSON.stringify(secretVersions)}::jsonb, ${runId}
          from releases where service_id = ${serviceId} having ${underLease(lease)}
          on conflict (run_id) do nothing`)
        const row = await tx.first<ReleaseRow>(sql`select ${COLUMNS} from releases where run_id = ${runId}`)
        if (row === null) throw new SlipwayError('lease_lost', `another process works on run ${runId} now`)
        return toRelease(row)
      })
    },
    async get(releaseId) {
      if (!isUuid(releaseId)) return null
      const row = await db.first<ReleaseRow>(sql`select ${COLUMNS} from releases where id = ${releaseId}`)
      return row === null ? null : toRelease(row)
    },
    async list(serviceId, limit) {
      const rows = await db.rows<ReleaseRow>(sql`select ${COLUMNS} from releases where service_id = ${serviceId}
        order by number desc limit ${limit}`)
      return rows.map(toRelease)
    },
    async markApproved(releaseId, by) {
      await db.run(sql`update releases set approved_by = ${by} where id = ${releaseId} and approved_by is null`)
    },
    async neededImages(host, keep) {
      const rows = await db.rows<{ image_id: string }>(sql`
        select distinct r.image_id from ${NEWEST_FIRST} r join services s on s.id = r.service_id
        where (s.host = ${host} or r.image_host = ${host}) and r.pruned_at is null
          and (r.outcome in ('live', 'prepared') or r.place <= ${keep})`)
      return new Set(rows.map((row) => row.image_id))
    },
    async prunable(keep) {
      const rows = await db.rows<{ id: string; image_id: string; host: string }>(sql`
        select r.id, r.image_id, s.host from ${NEWEST_FIRST} r join services s on s.id = r.service_id
        where r.pruned_at is null and r.outcome not in ('live', 'prepared')
          and (r.place > ${keep} or s.removed_at is not null) limit 200`)
      return rows.map((row) => ({ releaseId: row.id, imageId: row.image_id, host: row.host }))
    },
    async markPruned(releaseIds) {
      await db.run(sql`update releases set pruned_at = now() where id = any(${[...releaseIds]}::uuid[])`)
    },
  }
}

/** Releases with their place among those of their service that were once live: 1 is the newest. */
const NEWEST_FIRST = raw(`(
  select *, row_number() over (partition by service_id, live_since is null order by number desc) as place from releases)`)

function toRelease(row: ReleaseRow): Release {
  return {
    id: row.id,
    serviceId: row.service_id,
    number: row.number,
    sha: row.sha,
    image: { imageId: row.image_id, digest: row.image_digest, host: row.image_host },
    config: row.config,
    secretVersions: row.secret_versions,
    runId: row.run_id,
    approvedBy: row.approved_by,
    outcome: row.outcome,
    reason: row.reason,
    createdAt: row.created_at,
    liveSince: row.live_since,
    liveUntil: row.live_until,
    isPruned: row.pruned_at !== null,
  }
}
