/**
 * The writing side of packages. Two builds may race for one release; the row of the version is the place where they
 * meet: whoever claims or publishes locks it first, so the commit that a version stands for is decided once.
 */
import { SlipwayError } from '../../core/errors.ts'
import type { PackageStore, PublishResult, VersionClaim } from '../../packages/ports.ts'
import { join, sql, type Database, type Queryable } from '../database.ts'
import { underLease } from '../jobs.ts'
import { isUuid } from '../runs.ts'
import {
  ARTIFACT_COLUMNS,
  BUILD_COLUMNS,
  BUILD_TABLES,
  PACKAGE_COLUMNS,
  toArtifact,
  toBuild,
  VERSION_COLUMNS,
  visibleTo,
  type ArtifactRow,
  type BuildRow,
} from './package-row.ts'

/** Tags compared in one statement. */
const TAG_BATCH = 1_000

export function createPackageStore(db: Database): PackageStore {
  return {
    claimVersion: ({ repository, package: name, tag, sha, sortKey }) =>
      db.transaction(async (tx): Promise<VersionClaim> => {
        const packageId = await keepPackage(tx, repository.id, repository.owner, name)
        await tx.run(sql`insert into package_versions (package_id, tag, sha, sort_key)
          values (${packageId}, ${tag}, ${sha}, ${sortKey}) on conflict do nothing`)
        const version = await tx.first<{ id: string; sha: string }>(sql`
          select id, sha from package_versions where package_id = ${packageId} and tag = ${tag} for update`)
        if (version === null) throw new SlipwayError('internal', `version ${tag} of package ${name} cannot be kept`)
        if (version.sha !== sha && (await isSpokenFor(tx, version.id))) {
          await tx.run(sql`update package_versions set moved_to = ${sha}, moved_at = now(), tag_deleted_at = null
            where id = ${version.id} and moved_to is distinct from ${sha}`)
          return { kind: 'moved', versionId: version.id, sha: version.sha }
        }
        await tx.run(sql`update package_versions set sha = ${sha}, moved_to = null, moved_at = null, tag_deleted_at = null
          where id = ${version.id} and (sha <> ${sha} or moved_to is not null or tag_deleted_at is not null)`)
        return { kind: 'bound', versionId: version.id }
      }),
    async recordBuild({ runId, versionId, axes, variant }) {
      await db.run(sql`insert into package_builds (run_id, package_id, version_id, axes, variant)
        select ${runId}, package_id, id, ${JSON.stringify(axes)}::jsonb, ${variant}
        from package_versions where id = ${versionId} on conflict do nothing`)
    },
    async build(runId) {
      if (!isUuid(runId)) return null
      const row = await db.first<BuildRow>(sql`
        select ${BUILD_COLUMNS}, ${PACKAGE_COLUMNS}, ${VERSION_COLUMNS}, ${ARTIFACT_COLUMNS}
        from ${BUILD_TABLES} where b.run_id = ${runId}`)
      return row === null ? null : toBuild(row)
    },
    publish: (lease, runId, artifact) =>
      db.transaction(async (tx): Promise<PublishResult> => {
        const held = await tx.first<{ version_id: string; variant: string; sha: string; version_sha: string }>(sql`
          select b.version_id, b.variant, runs.sha, v.sha as version_sha
          from package_builds b join runs on runs.id = b.run_id join package_versions v on v.id = b.version_id
          where b.run_id = ${runId} and runs.state <> 'completed' and ${underLease(lease)} for update of v`)
        if (held === null) throw new SlipwayError('lease_lost', `another process works on run ${runId} now`)
        if (held.sha !== held.version_sha) return { kind: 'moved', sha: held.version_sha }
        await tx.run(sql`insert into package_artifacts (version_id, variant, run_id, sha256, size, file_name, provenance)
          values (${held.version_id}, ${held.variant}, ${runId}, ${artifact.sha256}, ${artifact.size}, ${artifact.fileName},
            ${JSON.stringify(artifact.provenance)}::jsonb)
          on conflict do nothing`)
        const row = await tx.first<ArtifactRow>(sql`select ${ARTIFACT_COLUMNS} from package_artifacts a
          where a.version_id = ${held.version_id} and a.variant = ${held.variant}`)
        if (row === null) throw new SlipwayError('internal', `the artifact of run ${runId} cannot be kept`)
        if (row.artifact_run_id !== runId) return { kind: 'exists', artifact: toArtifact(row) }
        await tx.run(sql`update package_builds set is_released = true where run_id = ${runId}`)
        return { kind: 'published' }
      }),
    async retire(versionId, retired) {
      const changed = await db.run(sql`update package_versions set retired_reason = ${retired?.reason ?? null},
        retired_by = ${retired?.by ?? null}, retired_at = case when ${retired !== null} then now() end
        where id = ${versionId}`)
      return changed > 0
    },
    async artifact(sha256, viewer) {
      const row = await db.first<ArtifactRow & { is_private: boolean }>(sql`
        select ${ARTIFACT_COLUMNS}, r.is_private from ${ARTIFACT_TABLES} where a.sha256 = ${sha256} and ${visibleTo(viewer)}
        order by r.is_private, a.published_at limit 1`)
      return row === null ? null : { ...toArtifact(row), isPrivate: row.is_private }
    },
    async provenance(sha256, viewer) {
      const row = await db.first<{ provenance: unknown }>(sql`
        select a.provenance from ${ARTIFACT_TABLES} where a.sha256 = ${sha256} and ${visibleTo(viewer)}
        order by r.is_private, a.published_at limit 1`)
      return row?.provenance ?? null
    },
    async unseenTags(repositoryId, tags) {
      const unseen = []
      for (let start = 0; start < tags.length; start += TAG_BATCH) {
        const batch = tags.slice(start, start + TAG_BATCH)
        const values = join(batch.map(({ tag, sha }) => sql`(${tag}::text, ${sha}::text)`))
        unseen.push(
          ...(await db.rows<{ tag: string; sha: string }>(sql`
            select listed.tag, listed.sha from (values ${values}) as listed (tag, sha)
            where not exists (select 1 from package_tags seen
              where seen.repository_id = ${repositoryId} and seen.tag = listed.tag and seen.sha = listed.sha)`)),
        )
      }
      return unseen
    },
    async seeTag(repositoryId, { tag, sha }) {
      await db.run(sql`insert into package_tags (repository_id, tag, sha) values (${repositoryId}, ${tag}, ${sha})
        on conflict (repository_id, tag) do update set sha = excluded.sha, seen_at = now()`)
    },
    async markDeletedTags(repositoryId, present) {
      await db.run(sql`update package_versions v set tag_deleted_at = now() from packages p
        where p.id = v.package_id and p.repository_id = ${repositoryId} and v.tag_deleted_at is null
          and v.tag <> all(${[...present]}::text[])`)
      await db.run(
        sql`delete from package_tags where repository_id = ${repositoryId} and tag <> all(${[...present]}::text[])`,
      )
    },
    async markDeletedTag(repositoryId, tag) {
      await db.run(sql`update package_versions v set tag_deleted_at = now() from packages p
        where p.id = v.package_id and p.repository_id = ${repositoryId} and v.tag_deleted_at is null and v.tag = ${tag}`)
      await db.run(sql`delete from package_tags where repository_id = ${repositoryId} and tag = ${tag}`)
    },
  }
}

const ARTIFACT_TABLES = sql`package_artifacts a join package_versions v on v.id = a.version_id
  join packages p on p.id = v.package_id join repositories r on r.id = p.repository_id`

async function keepPackage(tx: Queryable, repositoryId: number, owner: string, name: string): Promise<string> {
  await tx.run(sql`insert into packages (repository_id, name, search_name)
    values (${repositoryId}, ${name}, lower(${`${owner}/${name}`})) on conflict do nothing`)
  const row = await tx.first<{ id: string }>(
    sql`select id from packages where repository_id = ${repositoryId} and name = ${name}`,
  )
  if (row === null) throw new SlipwayError('internal', `package ${name} cannot be kept`)
  return row.id
}

/** Something was released under the version, or is on its way to be. */
async function isSpokenFor(tx: Queryable, versionId: string): Promise<boolean> {
  const row = await tx.first(sql`
    select 1 from package_artifacts where version_id = ${versionId}
    union all
    select 1 from package_builds b join runs on runs.id = b.run_id join package_versions v on v.id = b.version_id
      where b.version_id = ${versionId} and runs.state <> 'completed' and runs.sha = v.sha
    limit 1`)
  return row !== null
}
