/**
 * The reading side of packages. Every query ends in a limit and walks an index in the order of its answer, so that it
 * costs the same among a hundred thousand builds. Pages continue after a key, never at an offset: what arrives in
 * between neither shifts nor repeats a row.
 */
import type { BuildFilter, NameMatch, PackageCatalogue } from '../../packages/ports.ts'
import { empty, join, sql, type Database, type Sql } from '../database.ts'
import {
  ARTIFACT_COLUMNS,
  BUILD_COLUMNS,
  BUILD_TABLES,
  PACKAGE_COLUMNS,
  PACKAGE_TABLES,
  toArtifact,
  toBuild,
  toPackage,
  toVersion,
  VERSION_COLUMNS,
  visibleTo,
  type ArtifactRow,
  type BuildRow,
  type PackageRow,
  type VersionRow,
} from './package-row.ts'

const LARGEST_PAGE = 1_000
const NUMBER = /^\d{1,18}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function createPackageCatalogue(db: Database): PackageCatalogue {
  return {
    async findPackage(owner, name, viewer) {
      const row = await db.first<PackageRow>(sql`
        select ${PACKAGE_COLUMNS} from ${PACKAGE_TABLES}
        where lower(p.name) = lower(${name}) and lower(r.owner) = lower(${owner}) and ${visibleTo(viewer)}
        order by p.name = ${name} desc, r.removed_at nulls first, p.id limit 1`)
      if (row !== null) return toPackage(row)
      // `owner/repository` means its only package.
      const rows = await db.rows<PackageRow>(sql`
        select ${PACKAGE_COLUMNS} from ${PACKAGE_TABLES}
        where lower(r.owner) = lower(${owner}) and lower(r.name) = lower(${name}) and r.removed_at is null
          and ${visibleTo(viewer)} limit 2`)
      const [only] = rows
      return only === undefined || rows.length > 1 ? null : toPackage(only)
    },
    async packagesOf(repositoryId) {
      const rows = await db.rows<PackageRow>(
        sql`select ${PACKAGE_COLUMNS} from ${PACKAGE_TABLES} where p.repository_id = ${repositoryId} order by p.name`,
      )
      return rows.map(toPackage)
    },
    async search({ text, match, after, limit }, viewer) {
      const rows = await db.rows<PackageRow & { search_name: string; versions: number } & LatestRow>(sql`
        select found.*, n.versions, latest.tag as latest, latest.published_at as latest_at from (
          select ${PACKAGE_COLUMNS}, p.search_name from ${PACKAGE_TABLES}
          where ${matchesName(text, match)} and ${visibleTo(viewer)} ${afterName(after)}
          order by p.search_name, p.id limit ${limit + 1}
        ) found
        cross join lateral (
          select count(*)::integer as versions from package_versions v where v.package_id = found.package_id
            and exists (select 1 from package_artifacts a where a.version_id = v.id)
        ) n
        left join lateral (${latestOf(sql`found.package_id`)}) latest on true
        order by found.search_name, found.package_id`)
      const last = rows[limit - 1]
      return {
        items: rows.slice(0, limit).map((row) => ({
          package: toPackage(row),
          versions: row.versions,
          latest: row.latest,
          latestPublishedAt: row.latest_at,
        })),
        next: rows.length > limit && last !== undefined ? cursorOf(last.search_name, last.package_id) : null,
      }
    },
    async version(packageId, tag) {
      const row = await db.first<VersionRow>(
        sql`select ${VERSION_COLUMNS} from package_versions v where v.package_id = ${packageId} and v.tag = ${tag}`,
      )
      return row === null ? null : toVersion(row)
    },
    async versions(packageId, { order, after, limit }) {
      const column =
        order === 'semver' ? sql`v.sort_key` : sql`to_char(v.created_at at time zone 'UTC', 'YYYYMMDDHH24MISSUS')`
      const [key, id] = cursorParts(after, UUID)
      const following = key === null ? empty : sql`and (${column}, v.id) < (${key}, ${id}::uuid)`
      const rows = await db.rows<VersionRow & { key: string }>(sql`
        select ${VERSION_COLUMNS}, ${column} as key from package_versions v where v.package_id = ${packageId} ${following}
        order by ${column} desc, v.id desc limit ${limit + 1}`)
      const shown = rows.slice(0, limit)
      const artifacts = await db.rows<
        ArtifactRow & { version_id: string; variant: string; axes: Record<string, string> }
      >(sql`
        select ${ARTIFACT_COLUMNS}, a.version_id, a.variant, b.axes from package_artifacts a
        join package_builds b on b.run_id = a.run_id
        where a.version_id = any(${shown.map((row) => row.version_id)}::uuid[]) order by a.variant`)
      const last = shown.at(-1)
      return {
        items: shown.map((row) => ({
          ...toVersion(row),
          artifacts: artifacts
            .filter((artifact) => artifact.version_id === row.version_id)
            .map((artifact) => ({ ...toArtifact(artifact), axes: artifact.axes, variant: artifact.variant })),
        })),
        next: rows.length > limit && last !== undefined ? cursorOf(last.key, last.version_id) : null,
      }
    },
    async builds(filter, viewer) {
      const rows = await db.rows<BuildRow>(sql`
        select ${BUILD_COLUMNS}, ${PACKAGE_COLUMNS}, ${VERSION_COLUMNS}, ${ARTIFACT_COLUMNS} from ${BUILD_TABLES}
        where ${buildConditions(filter)} and ${visibleTo(viewer)}
        order by b.sequence desc limit ${Math.min(filter.limit, LARGEST_PAGE)}`)
      return rows.map(toBuild)
    },
    async latestRelease(packageId) {
      const row = await db.first<{ tag: string }>(latestOf(sql`${packageId}::bigint`))
      return row?.tag ?? null
    },
  }
}

interface LatestRow {
  readonly latest: string | null
  readonly latest_at: Date | null
}

/** The newest version that has an artifact and is not retired; a pre-release only where there is no release. */
function latestOf(packageId: Sql): Sql {
  return sql`
    select v.tag, v.created_at as published_at from package_versions v where v.package_id = ${packageId}
      and v.retired_at is null and exists (select 1 from package_artifacts a where a.version_id = v.id)
    order by case when v.sort_key like '0%' then 2 when v.sort_key like '%!%' then 1 else 0 end, v.sort_key desc limit 1`
}

function matchesName(text: string, match: NameMatch): Sql {
  const wanted = text.toLowerCase()
  if (wanted === '') return sql`true`
  const pattern = wanted.replaceAll(/[\\%_]/g, String.raw`\$&`)
  switch (match) {
    case 'exact':
      return sql`(p.search_name = ${wanted} or lower(p.name) = ${wanted})`
    case 'prefix':
      return sql`(p.search_name like ${`${pattern}%`} or lower(p.name) like ${`${pattern}%`})`
    case 'substring':
      return sql`p.search_name like ${`%${pattern}%`}`
  }
}

function afterName(after: string | null): Sql {
  const [name, id] = cursorParts(after, NUMBER)
  return name === null ? empty : sql`and (p.search_name, p.id) > (${name}, ${id}::bigint)`
}

function buildConditions(filter: BuildFilter): Sql {
  const conditions = [
    filter.packageId === undefined ? empty : sql`b.package_id = ${filter.packageId}`,
    filter.name === undefined ? empty : sql`p.name = ${filter.name}`,
    filter.owner === undefined ? empty : sql`r.owner = ${filter.owner}`,
    filter.tag === undefined ? empty : sql`v.tag = ${filter.tag}`,
    filter.erlVersion === undefined ? empty : sql`b.axes ->> 'erl_version' = ${filter.erlVersion}`,
    filter.isReleased === true ? sql`b.is_released` : empty,
    filter.isSuccessful === true ? sql`runs.conclusion in ('success', 'neutral')` : empty,
    filter.isCurrent === true ? sql`v.retired_at is null` : empty,
    filter.isCompleted === true ? sql`runs.state = 'completed'` : empty,
    filter.before === undefined ? empty : sql`b.sequence < ${filter.before}`,
    filter.isCollapsed === true
      ? sql`runs.state = 'completed' and (b.is_released or not exists (
          select 1 from package_builds other join runs later on later.id = other.run_id
          where other.version_id = b.version_id and other.variant = b.variant and later.state = 'completed'
            and (other.is_released or other.sequence > b.sequence)))`
      : empty,
  ].filter((condition) => condition !== empty)
  return conditions.length === 0 ? sql`true` : join(conditions, ' and ')
}

/** Opaque to clients; a text and an id. */
function cursorOf(key: string, id: string): string {
  return Buffer.from(JSON.stringify([key, id])).toString('base64url')
}

/** A cursor that is none of ours starts from the beginning, like a bookmark of an older version. */
function cursorParts(cursor: string | null, idForm: RegExp): readonly [string, string] | readonly [null, null] {
  if (cursor === null) return [null, null]
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (!Array.isArray(parts)) return [null, null]
    const [key, id]: readonly unknown[] = parts
    return typeof key === 'string' && typeof id === 'string' && idForm.test(id) ? [key, id] : [null, null]
  } catch {
    return [null, null]
  }
}
