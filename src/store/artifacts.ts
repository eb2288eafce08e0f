/** What runs kept. The row is written after the bytes are durable, and goes before they do (invariant I9). */
import type { ArtifactRecord, ArtifactStore } from '../pipeline/ports.ts'
import { sql, type Database } from './database.ts'
import { isUuid } from './runs.ts'

interface ArtifactRow {
  readonly id: string
  readonly run_id: string
  readonly name: string
  readonly path: string
  readonly size: string
  readonly sha256: string
  readonly expires_at: Date
}

export interface ExpiringArtifactStore extends ArtifactStore {
  /** Forgets what is over and returns the digests that no artifact names any more; the caller removes their bytes. */
  dropExpired(): Promise<readonly string[]>
}

export function createArtifactStore(db: Database): ExpiringArtifactStore {
  return {
    async keep({ runId, name, path, size, sha256, expireMs }) {
      await db.run(sql`
        insert into artifacts (run_id, name, path, size, sha256, expires_at)
        values (${runId}, ${name}, ${path}, ${size}, ${sha256}, now() + ${expireMs}::float8 * interval '1 millisecond')
        on conflict (run_id, path) do update set size = excluded.size, sha256 = excluded.sha256, expires_at = excluded.expires_at`)
    },
    async list(runId) {
      if (!isUuid(runId)) return []
      const rows = await db.rows<ArtifactRow>(
        sql`select * from artifacts where run_id = ${runId} and expires_at > now() order by path`,
      )
      return rows.map(toArtifact)
    },
    async get(id) {
      if (!isUuid(id)) return null
      const row = await db.first<ArtifactRow>(sql`select * from artifacts where id = ${id} and expires_at > now()`)
      return row === null ? null : toArtifact(row)
    },
    async dropExpired() {
      const rows = await db.rows<{ sha256: string }>(sql`
        with gone as (delete from artifacts where expires_at <= now() returning id, sha256)
        select distinct sha256 from gone
        where not exists (select 1 from artifacts a where a.sha256 = gone.sha256 and a.expires_at > now())`)
      return rows.map((row) => row.sha256)
    },
  }
}

function toArtifact(row: ArtifactRow): ArtifactRecord {
  const { id, name, path, sha256 } = row
  return { id, runId: row.run_id, name, path, size: Number(row.size), sha256, expiresAt: row.expires_at }
}
