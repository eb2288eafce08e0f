/** Which tables a database of ours has, and what of the schema they stand for. */
import { sql, type Queryable } from '../database.ts'

/** knex's own records are made anew by the migrations of the restore. */
const OWN_RECORDS = ['knex_migrations', 'knex_migrations_lock']

/** Every table but knex's own, in the order of their names. */
export async function listTables(db: Queryable): Promise<readonly string[]> {
  const rows = await db.rows<{ name: string }>(
    sql`select tablename as name from pg_tables where schemaname = current_schema() order by tablename`,
  )
  return rows.map(({ name }) => name).filter((name) => !OWN_RECORDS.includes(name))
}

export async function appliedMigrations(db: Queryable): Promise<readonly string[]> {
  const rows = await db.rows<{ name: string }>(sql`select name from knex_migrations order by id`)
  return rows.map(({ name }) => name)
}

/** A name of the catalogue as SQL writes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
