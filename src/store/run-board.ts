/** Reading for people: what is going on, what failed, what is live, and how long things took. */
import type { DesiredCheck } from '../core/check.ts'
import type { RunKind } from '../core/run.ts'
import type { DurationPoint, LiveService, LoadPoint, RunBoard, RunLine, RunQuery } from '../web/ports.ts'
import { empty, join, sql, type Database } from './database.ts'
import { isUuid } from './runs.ts'
import { RUN_COLUMNS, toRun, type RunRow } from './run-row.ts'

const DEFAULT_PAGE = 50
const LARGEST_PAGE = 500
/** Points of a chart: more than a screen has room for would only cost time. */
const MOST_POINTS = 600
const LOAD_STEP_MINUTES = 15

interface LineRow extends RunRow {
  readonly output: DesiredCheck['output'] | null
  readonly buttons: DesiredCheck['buttons'] | null
}

interface ServiceRow {
  readonly repository_id: string
  readonly key: string
  readonly pull_request: number
  readonly environment: string
  readonly host: string
  readonly url: string | null
  readonly sha: string
  readonly number: number
  readonly live_since: Date
  readonly is_locked: boolean
}

interface DurationRow {
  readonly completed_at: Date
  readonly kind: RunKind
  readonly seconds: number
  readonly is_good: boolean
}

const SELECT_LINES = sql`select ${RUN_COLUMNS},
    jsonb_build_object('title', reports.desired -> 'output' ->> 'title') as output, reports.desired -> 'buttons' as buttons
  from runs left join check_reports reports on reports.run_id = runs.id`

export function createRunBoard(db: Database): RunBoard {
  return {
    async find(query) {
      const rows = await db.rows<LineRow>(sql`${SELECT_LINES} where ${conditionOf(query)}
        order by runs.created_at desc, runs.id limit ${Math.min(query.limit ?? DEFAULT_PAGE, LARGEST_PAGE)}`)
      return rows.map(toLine)
    },
    async get(runId) {
      if (!isUuid(runId)) return null
      const row = await db.first<LineRow>(sql`${SELECT_LINES} where runs.id = ${runId}`)
      return row === null ? null : toLine(row)
    },
    async attempts({ repositoryId, sha, name }) {
      const rows = await db.rows<LineRow>(sql`${SELECT_LINES}
        where runs.repository_id = ${repositoryId} and runs.sha = ${sha} and runs.name = ${name} order by runs.attempt`)
      return rows.map(toLine)
    },
    async live(repositoryIds) {
      const rows = await db.rows<ServiceRow>(sql`
        select services.repository_id, services.key, services.pull_request, services.environment, services.host,
          services.url, releases.sha, releases.number, releases.live_since, services.locked_at is not null
            and (services.locked_until is null or services.locked_until > now()) as is_locked
        from services join releases on releases.service_id = services.id and releases.outcome = 'live'
        where services.removed_at is null and services.repository_id = any(${[...repositoryIds]}::bigint[])
        order by services.pull_request, services.environment, services.key`)
      return rows.map(toService)
    },
    async durations(repositoryIds, days) {
      const rows = await db.rows<DurationRow>(sql`
        select completed_at, kind, extract(epoch from completed_at - started_at)::float8 as seconds,
          conclusion = 'success' as is_good
        from runs where state = 'completed' and started_at is not null and conclusion in ('success', 'failure', 'timed_out')
          and completed_at > now() - ${days} * interval '1 day' and repository_id = any(${[...repositoryIds]}::bigint[])
        order by completed_at desc limit ${MOST_POINTS}`)
      return rows.toReversed().map(toDuration)
    },
    async load(repositoryIds, hours) {
      return await db.rows<LoadPoint>(sql`
        with steps as (
          select generate_series(now() - ${hours} * interval '1 hour', now(), ${LOAD_STEP_MINUTES} * interval '1 minute') as at
        ), mine as (
          select created_at, started_at, completed_at from runs
          where repository_id = any(${[...repositoryIds]}::bigint[])
            and (completed_at is null or completed_at > now() - ${hours} * interval '1 hour')
        )
        select steps.at,
          count(*) filter (where created_at <= at and (started_at is null or started_at > at)
            and (completed_at is null or completed_at > at))::integer as waiting,
          count(*) filter (where started_at <= at and (completed_at is null or completed_at > at))::integer as running
        from steps left join mine on true group by steps.at order by steps.at`)
    },
  }
}

function toLine(row: LineRow): RunLine {
  return { ...toRun(row), face: { title: row.output?.title ?? row.name, buttons: row.buttons ?? [] } }
}

function toService(row: ServiceRow): LiveService {
  return {
    repositoryId: Number(row.repository_id),
    key: row.key,
    pullRequest: row.pull_request,
    environment: row.environment,
    host: row.host,
    url: row.url,
    sha: row.sha,
    release: row.number,
    liveSince: row.live_since,
    isLocked: row.is_locked,
  }
}

function toDuration(row: DurationRow): DurationPoint {
  return { completedAt: row.completed_at, kind: row.kind, seconds: row.seconds, isGood: row.is_good }
}

function conditionOf(query: RunQuery) {
  const conditions = [
    query.repositoryIds === undefined ? empty : sql`runs.repository_id = any(${[...query.repositoryIds]}::bigint[])`,
    query.repositoryId === undefined ? empty : sql`runs.repository_id = ${query.repositoryId}`,
    query.kind === undefined ? empty : sql`runs.kind = ${query.kind}`,
    query.state === undefined ? empty : sql`runs.state = ${query.state}`,
    query.conclusions === undefined ? empty : sql`runs.conclusion = any(${[...query.conclusions]}::text[])`,
    query.isOpen === undefined ? empty : query.isOpen ? sql`runs.state <> 'completed'` : sql`runs.state = 'completed'`,
    query.sha === undefined ? empty : sql`runs.sha = ${query.sha}`,
    query.name === undefined ? empty : sql`runs.name = ${query.name}`,
    query.branch === undefined ? empty : sql`runs.branch = ${query.branch}`,
    query.pullRequest === undefined ? empty : sql`runs.pull_request = ${query.pullRequest}`,
    query.groupId === undefined ? empty : sql`runs.group_id = ${query.groupId}`,
    query.before === undefined ? empty : sql`runs.created_at < ${query.before}`,
    query.since === undefined ? empty : sql`runs.created_at > ${query.since}`,
  ].filter((condition) => condition !== empty)
  return conditions.length === 0 ? sql`true` : join(conditions, ' and ')
}
