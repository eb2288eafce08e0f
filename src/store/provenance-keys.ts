import type { KeyStore } from '../packages/ports.ts'
import { isUniqueViolation, sql, type Database } from './database.ts'

/** At most one key signs; a unique index decides between processes that make one at the same time. */
export function createProvenanceKeyStore(db: Database): KeyStore {
  return {
    async keys() {
      const rows = await db.rows<{ id: string; public_pem: string; sealed_private: Buffer | null }>(sql`
        select id, public_pem, sealed_private from provenance_keys order by retired_at desc nulls first, created_at desc`)
      return rows.map((row) => ({ id: row.id, publicPem: row.public_pem, sealedPrivate: row.sealed_private }))
    },
    async replace(expected, key) {
      try {
        return await db.transaction(async (tx) => {
          if (expected !== null) {
            const retired = await tx.run(sql`update provenance_keys set retired_at = now(), sealed_private = null
              where id = ${expected} and retired_at is null`)
            if (retired === 0) return false
          }
          await tx.run(sql`insert into provenance_keys (id, public_pem, sealed_private)
            values (${key.id}, ${key.publicPem}, ${Buffer.from(key.sealedPrivate)})`)
          return true
        })
      } catch (error) {
        if (isUniqueViolation(error)) return false
        throw error
      }
    },
  }
}
