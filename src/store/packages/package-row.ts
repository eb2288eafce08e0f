/** The door between rows of packages and their types: what the constraints of the tables guarantee is trusted here. */
import type { ArtifactRecord, BuildRecord, PackageRecord, VersionRecord, Viewer } from '../../packages/ports.ts'
import type { Conclusion, RunState } from '../../core/run.ts'
import { raw, sql, type Sql } from '../database.ts'

export const PACKAGE_COLUMNS =
  raw(`p.id as package_id, p.repository_id, r.owner, r.name as repository, p.name as package,
  r.is_private, r.html_url, r.clone_url`)
export const PACKAGE_TABLES = raw('packages p join repositories r on r.id = p.repository_id')

export interface PackageRow {
  readonly package_id: string
  readonly repository_id: string
  readonly owner: string
  readonly repository: string
  readonly package: string
  readonly is_private: boolean
  readonly html_url: string
  readonly clone_url: string
}

export function toPackage(row: PackageRow): PackageRecord {
  return {
    id: row.package_id,
    repositoryId: Number(row.repository_id),
    owner: row.owner,
    repository: row.repository,
    name: row.package,
    isPrivate: row.is_private,
    htmlUrl: row.html_url,
    cloneUrl: row.clone_url,
  }
}

export const VERSION_COLUMNS = raw(`v.id as version_id, v.tag, v.sha as version_sha, v.moved_to, v.tag_deleted_at,
  v.retired_at, v.retired_reason, v.retired_by, v.created_at as version_created_at`)

export interface VersionRow {
  readonly version_id: string
  readonly tag: string
  readonly version_sha: string
  readonly moved_to: string | null
  readonly tag_deleted_at: Date | null
  readonly retired_at: Date | null
  readonly retired_reason: string | null
  readonly retired_by: string | null
  readonly version_created_at: Date
}

export function toVersion(row: VersionRow): VersionRecord {
  return {
    id: row.version_id,
    tag: row.tag,
    sha: row.version_sha,
    movedTo: row.moved_to,
    tagDeletedAt: row.tag_deleted_at,
    retired:
      row.retired_at === null
        ? null
        : { at: row.retired_at, reason: row.retired_reason ?? '', by: row.retired_by ?? '' },
    createdAt: row.version_created_at,
  }
}

export const ARTIFACT_COLUMNS = raw('a.run_id as artifact_run_id, a.sha256, a.size, a.file_name, a.published_at')

export interface ArtifactRow {
  readonly artifact_run_id: string
  readonly sha256: string
  readonly size: string
  readonly file_name: string
  readonly published_at: Date
}

export function toArtifact(row: ArtifactRow): ArtifactRecord {
  return {
    runId: row.artifact_run_id,
    sha256: row.sha256,
    size: Number(row.size),
    fileName: row.file_name,
    publishedAt: row.published_at,
  }
}

export const BUILD_COLUMNS = raw(`b.run_id, b.sequence, b.axes, b.variant, runs.attempt, runs.sha, runs.state,
  runs.conclusion, runs.reason, runs.result, runs.created_at, runs.started_at, runs.completed_at`)
export const BUILD_TABLES = raw(`package_builds b join runs on runs.id = b.run_id
  join package_versions v on v.id = b.version_id join packages p on p.id = b.package_id
  join repositories r on r.id = p.repository_id
  left join package_artifacts a on a.version_id = b.version_id and a.variant = b.variant`)

export interface BuildRow extends PackageRow, VersionRow {
  readonly run_id: string
  readonly sequence: string
  readonly axes: Readonly<Record<string, string>>
  readonly variant: string
  readonly attempt: number
  readonly sha: string
  readonly state: RunState
  readonly conclusion: Conclusion | null
  readonly reason: string | null
  readonly result: unknown
  readonly created_at: Date
  readonly started_at: Date | null
  readonly completed_at: Date | null
  readonly artifact_run_id: string | null
  readonly sha256: string | null
  readonly size: string | null
  readonly file_name: string | null
  readonly published_at: Date | null
}

export function toBuild(row: BuildRow): BuildRecord {
  return {
    runId: row.run_id,
    sequence: row.sequence,
    package: toPackage(row),
    version: toVersion(row),
    axes: row.axes,
    variant: row.variant,
    attempt: row.attempt,
    sha: row.sha,
    runState: row.state,
    conclusion: row.conclusion,
    reason: row.reason,
    result: row.result,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    artifact: isReleased(row) ? toArtifact(row) : null,
  }
}

function isReleased<Row extends { readonly sha256: string | null }>(row: Row): row is Row & ArtifactRow {
  return row.sha256 !== null
}

/** The repositories whose packages the viewer may read. */
export function visibleTo(viewer: Viewer): Sql {
  if (viewer.privateRepositories === 'all') return sql`true`
  return sql`(not r.is_private or r.id = any(${[...viewer.privateRepositories]}::bigint[]))`
}
