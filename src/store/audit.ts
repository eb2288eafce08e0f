/** The append-only record of who changed what. Written in the transaction of the change it tells of (invariant I12). */
import { sql, type Queryable } from './database.ts'

export interface AuditEntry {
  /** A login, `token:NAME`, or `slipway`. */
  readonly actor: string
  /** `noun.verb`, e.g. `instance.drain`. */
  readonly action: string
  /** What was changed, e.g. `pool:default/ci1.example.com`. */
  readonly subject: string
  /** Never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>
}

export interface AuditRow extends AuditEntry {
  readonly id: string
  readonly at: Date
  readonly detail: Readonly<Record<string, unknown>>
}

export async function writeAudit(tx: Queryable, entry: AuditEntry): Promise<void> {
  await tx.run(sql`insert into audit_log (actor, action, subject, detail)
    values (${entry.actor}, ${entry.action}, ${entry.subject}, ${JSON.stringify(entry.detail ?? {})}::jsonb)`)
}

/** Newest first; `before` is the id of the last entry of the page before. */
export async function readAudit(
  db: Queryable,
  limit: number,
  before: string | null = null,
): Promise<readonly AuditRow[]> {
  return db.rows<AuditRow>(sql`select id, at, actor, action, subject, detail from audit_log
    where ${before}::bigint is null or id < ${before}::bigint order by id desc limit ${limit}`)
}
