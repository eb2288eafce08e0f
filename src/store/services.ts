/** Services in PostgreSQL: what is deployed where, what is live, what is locked or held back. */
import { SlipwayError } from '../core/errors.ts'
import type { NewService, ServiceStore } from '../deployment/ports.ts'
import type { Service } from '../deployment/index.ts'
import { empty, isUniqueViolation, raw, sql, type Database } from './database.ts'
import { endDeploymentReports } from './deployment-reports.ts'
import { JOBS_CHANNEL } from './jobs.ts'
import { isUuid } from './runs.ts'

interface ServiceRow {
  readonly id: string
  readonly repository_id: string
  readonly key: string
  readonly pull_request: number
  readonly branch: string
  readonly host: string
  readonly driver: Service['driver']
  readonly name: string
  readonly environment: string
  readonly url: string | null
  readonly live_release_id: string | null
  readonly held_sha: string | null
  readonly locked_by: string | null
  readonly lock_reason: string | null
  readonly locked_until: Date | null
  readonly locked_at: Date | null
  readonly drift: string | null
  readonly drift_since: Date | null
  readonly expires_at: Date | null
  readonly removed_at: Date | null
}

const COLUMNS =
  raw(`id, repository_id, key, pull_request, branch, host, driver, name, environment, url, live_release_id,
  held_sha, locked_by, lock_reason, locked_until, locked_at, drift, drift_since, expires_at, removed_at`)

export function createServiceStore(db: Database): ServiceStore {
  return {
    async keep(service) {
      const row = await db.first<ServiceRow>(keepQuery(service)).catch((error: unknown) => {
        if (!isUniqueViolation(error, 'services_by_host_name')) throw error
        throw new SlipwayError(
          'conflict',
          `the name ${service.name} on the host ${service.host} belongs to another service`,
          {
            remedy: 'choose another name for it in slipway.yml',
          },
        )
      })
      if (row === null) throw new SlipwayError('internal', `the service ${service.key} could not be kept`)
      return toService(row)
    },
    get: async (serviceId) =>
      isUuid(serviceId)
        ? one(await db.first<ServiceRow>(sql`select ${COLUMNS} from services where id = ${serviceId}`))
        : null,
    find: async (repositoryId, key, pullRequest) =>
      one(
        await db.first<ServiceRow>(sql`select ${COLUMNS} from services
          where repository_id = ${repositoryId} and key = ${key} and pull_request = ${pullRequest ?? 0}`),
      ),
    async list(filter = {}) {
      const rows = await db.rows<ServiceRow>(sql`select ${COLUMNS} from services where true
        ${filter.repositoryId === undefined ? empty : sql`and repository_id = ${filter.repositoryId}`}
        ${filter.host === undefined ? empty : sql`and host = ${filter.host}`}
        ${filter.includeRemoved === true ? empty : sql`and removed_at is null`}
        order by repository_id, key, pull_request`)
      return rows.map(toService)
    },
    lock: async (serviceId, { by, reason, until }) =>
      present(
        await db.first<ServiceRow>(sql`update services set locked_by = ${by}, lock_reason = ${reason}, locked_until = ${until},
          locked_at = now() where id = ${serviceId} returning ${COLUMNS}`),
        serviceId,
      ),
    unlock: async (serviceId) =>
      present(
        await db.first<ServiceRow>(sql`update services set locked_by = null, lock_reason = null, locked_until = null,
          locked_at = null where id = ${serviceId} returning ${COLUMNS}`),
        serviceId,
      ),
    async setHeldSha(serviceId, sha) {
      await db.run(sql`update services set held_sha = ${sha} where id = ${serviceId}`)
    },
    async setDrift(serviceId, drift) {
      await db.run(
        sql`update services set drift = ${drift?.found ?? null}, drift_since = ${drift?.since ?? null} where id = ${serviceId}`,
      )
    },
    async markRemoved(serviceId) {
      await db.transaction(async (tx) => {
        await tx.run(
          sql`update services set removed_at = now(), live_release_id = null, locked_by = null, expires_at = null where id = ${serviceId}`,
        )
        const rows = await tx.rows<{ run_id: string }>(sql`
          update releases set outcome = 'replaced', live_until = now() where service_id = ${serviceId} and outcome = 'live' returning run_id`)
        await endDeploymentReports(
          tx,
          rows.map((row) => row.run_id),
          'removed',
        )
      })
      await db.notify(JOBS_CHANNEL, '')
    },
    async endedPreviews() {
      const rows = await db.rows<ServiceRow>(sql`select ${COLUMNS} from services s
        where pull_request > 0 and removed_at is null and (expires_at < now() or exists (
          select 1 from pull_requests p where p.repository_id = s.repository_id and p.number = s.pull_request and p.state = 'closed'))`)
      return rows.map(toService)
    },
  }
}

function keepQuery(service: NewService) {
  const expires = sql`case when ${service.expiresInMs}::float8 is not null then now() + ${service.expiresInMs}::float8 * interval '1 millisecond' end`
  return sql`
    insert into services (repository_id, key, pull_request, branch, host, driver, name, environment, url, expires_at)
    values (${service.repositoryId}, ${service.key}, ${service.pullRequest ?? 0}, ${service.branch}, ${service.host},
      ${service.driver}, ${service.name}, ${service.environment}, ${service.url}, ${expires})
    on conflict (repository_id, key, pull_request) do update set branch = excluded.branch, host = excluded.host,
      driver = excluded.driver, name = excluded.name, environment = excluded.environment, url = excluded.url,
      expires_at = excluded.expires_at, removed_at = null
    returning ${COLUMNS}`
}

function toService(row: ServiceRow): Service {
  return {
    id: row.id,
    repositoryId: Number(row.repository_id),
    key: row.key,
    pullRequest: row.pull_request === 0 ? null : row.pull_request,
    branch: row.branch,
    host: row.host,
    driver: row.driver,
    name: row.name,
    environment: row.environment,
    url: row.url,
    liveReleaseId: row.live_release_id,
    heldSha: row.held_sha,
    lock:
      row.locked_by === null || row.locked_at === null
        ? null
        : { by: row.locked_by, reason: row.lock_reason ?? '', until: row.locked_until, since: row.locked_at },
    drift: row.drift === null || row.drift_since === null ? null : { found: row.drift, since: row.drift_since },
    expiresAt: row.expires_at,
    removedAt: row.removed_at,
  }
}

function one(row: ServiceRow | null): Service | null {
  return row === null ? null : toService(row)
}

function present(row: ServiceRow | null, serviceId: string): Service {
  if (row === null) throw new SlipwayError('not_found', `there is no service ${serviceId}`)
  return toService(row)
}
