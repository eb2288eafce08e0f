/** Folders kept between runs, by repository and scope. Within a repository's quota the least recently used go first. */
import type { CacheEntry, CacheStore } from '../pipeline/ports.ts'
import { sql, type Database, type Queryable } from './database.ts'

/** Bytes of all caches of one repository. */
export const CACHE_QUOTA_BYTES = 5 * 1024 ** 3

interface CacheRow {
  readonly key: string
  readonly sha256: string
  readonly size: string
}

export interface CacheFilter {
  readonly repositoryId?: number
  /** Owner of the repositories, for a token that is tied to an organisation. */
  readonly organization?: string | null
  readonly stage?: string
  readonly key?: string
}

export interface ManagedCacheStore extends CacheStore {
  /** Forgets caches; the caller removes the bytes of `unused`. */
  clear(
    filter: CacheFilter,
  ): Promise<{ readonly cleared: number; readonly bytes: number; readonly unused: readonly string[] }>
  /** Forgets what is over the quota and returns the digests that no cache names any more. */
  trim(): Promise<readonly string[]>
}

export function createCacheStore(db: Database): ManagedCacheStore {
  return {
    async find(repositoryId, scopes, key) {
      const row = await db.first<CacheRow>(sql`
        update caches set last_used_at = now() where id = (
          select id from caches where repository_id = ${repositoryId} and key = ${key} and scope = any(${[...scopes]})
          order by array_position(${[...scopes]}::text[], scope) limit 1)
        returning key, sha256, size`)
      return row === null ? null : toEntry(row)
    },
    async findByPrefix(repositoryId, scopes, prefix) {
      const row = await db.first<CacheRow>(sql`
        update caches set last_used_at = now() where id = (
          select id from caches where repository_id = ${repositoryId} and starts_with(key, ${prefix}) and scope = any(${[...scopes]})
          order by array_position(${[...scopes]}::text[], scope), created_at desc limit 1)
        returning key, sha256, size`)
      return row === null ? null : toEntry(row)
    },
    async keep({ repositoryId, scope, key, stage, size, sha256 }) {
      await db.run(sql`
        insert into caches (repository_id, scope, key, stage, size, sha256)
        values (${repositoryId}, ${scope}, ${key}, ${stage}, ${size}, ${sha256})
        on conflict (repository_id, scope, key) do nothing`)
    },
    clear: (filter) =>
      db.transaction(async (tx) => {
        const gone = await tx.rows<CacheRow>(sql`
          delete from caches c using repositories r where r.id = c.repository_id
            and (${filter.repositoryId ?? null}::bigint is null or c.repository_id = ${filter.repositoryId ?? null})
            and (${filter.organization ?? null}::text is null or lower(r.owner) in (lower(${filter.organization ?? null}), lower('local:' || ${filter.organization ?? null})))
            and (${filter.stage ?? null}::text is null or c.stage = ${filter.stage ?? null})
            and (${filter.key ?? null}::text is null or c.key = ${filter.key ?? null})
          returning c.key, c.sha256, c.size`)
        const bytes = gone.reduce((sum, row) => sum + Number(row.size), 0)
        return { cleared: gone.length, bytes, unused: await unused(tx, gone) }
      }),
    trim: () =>
      db.transaction(async (tx) => {
        const gone = await tx.rows<CacheRow>(sql`
          delete from caches where id in (
            select id from (
              select id, sum(size) over (partition by repository_id order by last_used_at desc, id desc) as total from caches
            ) ranked where total > ${CACHE_QUOTA_BYTES})
          returning key, sha256, size`)
        return unused(tx, gone)
      }),
  }
}

async function unused(tx: Queryable, gone: readonly CacheRow[]): Promise<readonly string[]> {
  const digests = [...new Set(gone.map((row) => row.sha256))]
  const used = await tx.rows<{ sha256: string }>(sql`select distinct sha256 from caches where sha256 = any(${digests})`)
  return digests.filter((digest) => !used.some((row) => row.sha256 === digest))
}

function toEntry(row: CacheRow): CacheEntry {
  return { key: row.key, sha256: row.sha256, size: Number(row.size) }
}
