/**
 * Secrets that admins store on the settings page and by the API, sealed. A new value is a new version: what runs keeps
 * the one it began with, and a rollback finds the one of its time. Nothing here gives a value out again.
 */
import type { SecretBook, SecretRecord } from '../web/ports.ts'
import { writeAudit } from './audit.ts'
import type { Cipher } from './cipher.ts'
import { sql, type Database } from './database.ts'
import { secretContext } from './service-secrets.ts'

interface SecretRow {
  readonly repository: string
  readonly name: string
  readonly version: number
  readonly created_by: string
  readonly created_at: Date
}

export function createSecretBook(db: Database, cipher: Cipher): SecretBook {
  return {
    async list() {
      const rows = await db.rows<SecretRow>(sql`
        select distinct on (repository, name) repository, name, version, created_by, created_at from secrets
        where deleted_at is null order by repository, name, version desc`)
      return rows.map(toSecret)
    },
    put: ({ repository, name, value }, actor) =>
      db.transaction(async (tx) => {
        const owner = repository.toLowerCase()
        // The version is counted, so two admins at once must take turns.
        await tx.run(sql`select pg_advisory_xact_lock(hashtext(${`secret:${owner}:${name}`}))`)
        const sealed = Buffer.from(cipher.seal(value, secretContext(owner, name)))
        const [row] = await tx.rows<SecretRow>(sql`
          insert into secrets (repository, name, version, ciphertext, created_by)
          select ${owner}, ${name}, coalesce(max(version), 0) + 1, ${sealed}, ${actor} from secrets
          where repository = ${owner} and name = ${name}
          returning repository, name, version, created_by, created_at`)
        if (row === undefined) throw new Error('an insert of one row returned none')
        await writeAudit(tx, {
          actor,
          action: 'secret.put',
          subject: `secret:${owner}/${name}`,
          detail: { version: row.version },
        })
        return toSecret(row)
      }),
    remove: (repository, name, actor) =>
      db.transaction(async (tx) => {
        const owner = repository.toLowerCase()
        const removed = await tx.run(sql`update secrets set deleted_at = now()
          where repository = ${owner} and name = ${name} and deleted_at is null`)
        if (removed === 0) return false
        await writeAudit(tx, { actor, action: 'secret.remove', subject: `secret:${owner}/${name}` })
        return true
      }),
  }
}

function toSecret(row: SecretRow): SecretRecord {
  return {
    repository: row.repository,
    name: row.name,
    version: row.version,
    createdBy: row.created_by,
    createdAt: row.created_at,
  }
}
