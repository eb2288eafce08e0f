/** Log-ins of the dashboard. The database's clock decides when one has ended; ended ones are removed on the way. */
import type { SessionRecord, SessionStore } from '../web/ports.ts'
import { sql, type Database } from './database.ts'

/** Finding a session is a read; that it was used is noted this often. */
const SEEN_STEP_S = 60

interface SessionRow {
  readonly login: string
  readonly csrf: string
  readonly credential: Buffer | null
}

export function createSessionStore(db: Database): SessionStore {
  return {
    async create(id, session, absoluteMs) {
      await db.run(sql`delete from sessions where expires_at < now()`)
      await db.run(sql`
        insert into sessions (id, login, csrf, credential, expires_at)
        values (${id}, ${session.actor}, ${session.csrf}, ${session.credential}, now() + ${absoluteMs}::float8 * interval '1 millisecond')`)
    },
    async find(id, idleMs) {
      const row = await db.first<SessionRow>(sql`
        select login, csrf, credential from sessions where id = ${id} and expires_at > now()
          and last_seen_at > now() - ${idleMs}::float8 * interval '1 millisecond'`)
      if (row === null) return null
      await db.run(sql`update sessions set last_seen_at = now()
        where id = ${id} and last_seen_at < now() - ${SEEN_STEP_S} * interval '1 second'`)
      return toSession(row)
    },
    async remove(id) {
      await db.run(sql`delete from sessions where id = ${id}`)
    },
  }
}

function toSession(row: SessionRow): SessionRecord {
  return { actor: row.login, csrf: row.csrf, credential: row.credential }
}
