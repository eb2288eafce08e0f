/** The text of slipway.yml by the tree it is in: a push whose tree was seen before asks GitHub for nothing. */
import { sql, type Database } from './database.ts'

export interface ConfigCache {
  /** undefined: not known; null: the tree has no such file. */
  find(repositoryId: number, treeSha: string): Promise<string | null | undefined>
  keep(repositoryId: number, treeSha: string, content: string | null): Promise<void>
}

export function createConfigCache(db: Database): ConfigCache {
  return {
    async find(repositoryId, treeSha) {
      const row = await db.first<{ content: string | null }>(sql`
        select content from config_cache where repository_id = ${repositoryId} and tree_sha = ${treeSha}`)
      return row === null ? undefined : row.content
    },
    async keep(repositoryId, treeSha, content) {
      await db.run(sql`insert into config_cache (repository_id, tree_sha, content)
        values (${repositoryId}, ${treeSha}, ${content}) on conflict do nothing`)
    },
  }
}
