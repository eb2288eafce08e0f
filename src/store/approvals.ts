/** Who allowed what: a fork's commit to run, an image's digest to go live. Tied to the exact object, never to a branch. */
import type { ApprovalStore } from '../flow/ports.ts'
import { sql, type Database } from './database.ts'

export function createApprovalStore(db: Database): ApprovalStore {
  return {
    async approve({ repositoryId, subject, object, scope, by }) {
      await db.run(sql`insert into approvals (repository_id, subject, object, scope, approved_by)
        values (${repositoryId}, ${subject}, ${object}, ${scope}, ${by}) on conflict do nothing`)
    },
    async isApproved(repositoryId, subject, object, scope) {
      const row = await db.first(sql`select id from approvals where repository_id = ${repositoryId}
        and subject = ${subject} and object = ${object} and scope = ${scope}`)
      return row !== null
    },
  }
}
