/**
 * Fills an empty schema from a backup, in one transaction: all of it or nothing. Foreign keys are taken off while the rows
 * come in, because tables may point to each other in a circle, and put back at the end, when they are checked.
 */
import { SlipwayError } from '../../core/errors.ts'
import { raw, sql, type Database, type Queryable } from '../database.ts'
import { appliedMigrations, listTables, quoted } from './tables.ts'

export interface LoadedRows {
  readonly table: string
  readonly rows: readonly string[]
}

/** True when no Slipway was ever started on this database. It may have our tables, from a restore that failed. */
export async function isUntouched(db: Queryable): Promise<boolean> {
  const found = await db.first<{ found: string | null }>(sql`select to_regclass('settings')::text as found`)
  if (found?.found == null) return true
  return (await db.first(sql`select 1 as one from settings limit 1`)) === null
}

/** The database has been migrated and not been used. Gives the number of rows. */
export async function loadTables(
  db: Database,
  migrations: readonly string[],
  pieces: AsyncIterable<LoadedRows>,
): Promise<number> {
  return await db.transaction(async (tx) => {
    await tx.run(sql`set local statement_timeout = 0`)
    await tx.run(sql`set local idle_in_transaction_session_timeout = 0`)
    await requireSameSchema(tx, migrations)
    const tables = await listTables(tx)
    const keys = await takeForeignKeysOff(tx)
    for (const table of tables) await emptyTable(tx, table)
    let count = 0
    for await (const { table, rows } of pieces) {
      if (!tables.includes(table))
        throw new SlipwayError('conflict', `the backup has a table ${table} that this version lacks`)
      const name = raw(quoted(table))
      await tx.run(
        sql`insert into ${name} overriding system value select (piece.row).* from (select unnest(${rows}::text[]::${name}[]) as row) piece`,
      )
      count += rows.length
    }
    for (const { table, name, definition } of keys) {
      await tx.run(sql`alter table ${raw(quoted(table))} add constraint ${raw(quoted(name))} ${raw(definition)}`)
    }
    await advanceSequences(tx)
    return count
  })
}

async function requireSameSchema(tx: Queryable, wanted: readonly string[]): Promise<void> {
  const applied = await appliedMigrations(tx)
  const missing = applied.filter((name) => !wanted.includes(name))
  const unknown = wanted.filter((name) => !applied.includes(name))
  if (missing.length === 0 && unknown.length === 0) return
  const remedy =
    unknown.length > 0
      ? 'Restore with the version of Slipway that made the backup, or a newer one.'
      : 'Restore with the version of Slipway that made the backup, then start the newer one: it upgrades the database.'
  throw new SlipwayError('conflict', `the backup has another schema: ${[...unknown, ...missing].join(', ')}`, {
    remedy,
  })
}

/** The migrations themselves may have left rows. A table without any is not touched: some refuse every delete. */
async function emptyTable(tx: Queryable, table: string): Promise<void> {
  const name = raw(quoted(table))
  if ((await tx.first(sql`select 1 as one from ${name} limit 1`)) !== null)
    await tx.run(sql`delete from ${name} where true`)
}

interface ForeignKey {
  readonly table: string
  readonly name: string
  readonly definition: string
}

async function takeForeignKeysOff(tx: Queryable): Promise<readonly ForeignKey[]> {
  const keys = await tx.rows<ForeignKey>(sql`
    select c.relname as table, k.conname as name, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'f' and n.nspname = current_schema()`)
  for (const { table, name } of keys) {
    await tx.run(sql`alter table ${raw(quoted(table))} drop constraint ${raw(quoted(name))}`)
  }
  return keys
}

/** The next number follows the largest that is there. */
async function advanceSequences(tx: Queryable): Promise<void> {
  const columns = await tx.rows<{ table: string; column: string }>(sql`
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = current_schema() and (is_identity = 'YES' or column_default like 'nextval(%')
      and table_name not in ('knex_migrations', 'knex_migrations_lock')`)
  for (const { table, column } of columns) {
    await tx.run(sql`select setval(pg_get_serial_sequence(${quoted(table)}, ${column}),
      coalesce((select max(${raw(quoted(column))}) from ${raw(quoted(table))}), 0) + 1, false)`)
  }
}
