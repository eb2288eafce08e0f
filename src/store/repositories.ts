/** Installations and repositories by GitHub's ids. Records are kept when a repository goes; they only stop being active. */
import type { RepositoryRecord, RepositoryStore } from '../flow/ports.ts'
import { raw, sql, type Database } from './database.ts'

interface RepositoryRow {
  readonly id: string
  readonly installation_id: string
  readonly owner: string
  readonly name: string
  readonly is_private: boolean
  readonly default_branch: string
  readonly clone_url: string
  readonly html_url: string
  readonly is_active: boolean
}

const SELECT_REPOSITORY = raw(`
  select r.id, r.installation_id, r.owner, r.name, r.is_private, r.default_branch, r.clone_url, r.html_url,
    r.removed_at is null and i.suspended_at is null and i.deleted_at is null as is_active
  from repositories r left join installations i on i.id = r.installation_id`)

export function createRepositoryStore(db: Database): RepositoryStore {
  return {
    async keep(repository) {
      await db.run(sql`
        insert into repositories (id, installation_id, owner, name, is_private, default_branch, clone_url, html_url)
        values (${repository.id}, ${repository.installationId}, ${repository.owner}, ${repository.name},
          ${repository.isPrivate}, ${repository.defaultBranch}, ${repository.cloneUrl}, ${repository.htmlUrl})
        on conflict (id) do update set installation_id = excluded.installation_id, owner = excluded.owner,
          name = excluded.name, is_private = excluded.is_private, default_branch = excluded.default_branch,
          clone_url = excluded.clone_url, html_url = excluded.html_url, removed_at = null, updated_at = now()
        where (repositories.installation_id, repositories.owner, repositories.name, repositories.is_private,
            repositories.default_branch, repositories.clone_url, repositories.html_url)
          is distinct from (excluded.installation_id, excluded.owner, excluded.name, excluded.is_private,
            excluded.default_branch, excluded.clone_url, excluded.html_url)
          or repositories.removed_at is not null`)
    },
    async get(id) {
      const row = await db.first<RepositoryRow>(sql`${SELECT_REPOSITORY} where r.id = ${id}`)
      return row === null ? null : toRepository(row)
    },
    async findByName(owner, name) {
      const row = await db.first<RepositoryRow>(sql`${SELECT_REPOSITORY}
        where lower(r.owner) = lower(${owner}) and lower(r.name) = lower(${name})
        order by r.removed_at nulls first, r.updated_at desc limit 1`)
      return row === null ? null : toRepository(row)
    },
    async listActive() {
      const rows = await db.rows<RepositoryRow>(sql`${SELECT_REPOSITORY}
        where r.removed_at is null and i.suspended_at is null and i.deleted_at is null
          and r.id > 0 -- checkouts of this machine have no GitHub
        order by r.id`)
      return rows.map(toRepository)
    },
    async remove(ids) {
      await db.run(
        sql`update repositories set removed_at = now(), updated_at = now() where id = any(${[...ids]}::bigint[])`,
      )
    },
    async keepInstallation({ id, account, permissions, isSuspended, isDeleted }) {
      await db.run(sql`
        insert into installations (id, account, permissions, suspended_at, deleted_at)
        values (${id}, ${account}, ${JSON.stringify(permissions)}::jsonb,
          case when ${isSuspended} then now() end, case when ${isDeleted} then now() end)
        on conflict (id) do update set account = excluded.account, updated_at = now(),
          permissions = case when excluded.permissions = '{}' then installations.permissions else excluded.permissions end,
          suspended_at = case when ${isSuspended} then coalesce(installations.suspended_at, now()) end,
          deleted_at = case when ${isDeleted} then coalesce(installations.deleted_at, now()) end`)
    },
    async repositoriesOfInstallation(installationId) {
      const rows = await db.rows<RepositoryRow>(
        sql`${SELECT_REPOSITORY} where r.installation_id = ${installationId} order by r.id`,
      )
      return rows.map(toRepository)
    },
    async activeInstallations() {
      const rows = await db.rows<{ id: string }>(
        sql`select id from installations where suspended_at is null and deleted_at is null order by id`,
      )
      return rows.map((row) => Number(row.id))
    },
  }
}

function toRepository(row: RepositoryRow): RepositoryRecord {
  return {
    id: Number(row.id),
    installationId: Number(row.installation_id),
    owner: row.owner,
    name: row.name,
    isPrivate: row.is_private,
    defaultBranch: row.default_branch,
    cloneUrl: row.clone_url,
    htmlUrl: row.html_url,
    isActive: row.is_active,
  }
}
