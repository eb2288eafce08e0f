import type { ScheduleLooks } from '../flow/ports.ts'
import { sql, type Database } from './database.ts'

export function createScheduleLooks(db: Database): ScheduleLooks {
  return {
    async lookedAt(repositoryId) {
      const row = await db.first<{ looked_at: Date }>(
        sql`select looked_at from schedule_looks where repository_id = ${repositoryId}`,
      )
      return row?.looked_at ?? null
    },
    async keep(repositoryId, at) {
      await db.run(sql`insert into schedule_looks (repository_id, looked_at) values (${repositoryId}, ${at})
        on conflict (repository_id) do update set looked_at = excluded.looked_at`)
    },
  }
}
