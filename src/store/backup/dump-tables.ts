/**
 * Reads every table in one snapshot. A row travels as PostgreSQL's own text of the whole row, which it reads back exactly
 * whatever the types; so nothing here knows a table, and a new one is in the next backup by itself.
 */
import { raw, sql, type Database } from '../database.ts'
import { appliedMigrations, listTables, quoted } from './tables.ts'

/** Rows read at once; a delivery may weigh 25 MB, so a few of the largest must fit into memory. */
const FETCH_ROWS = 50

export interface DumpedRows {
  readonly table: string
  readonly rows: readonly string[]
}

export interface Dump {
  readonly migrations: readonly string[]
  readonly tables: readonly string[]
}

export interface DumpReader {
  /** What is to come. */
  begin(dump: Dump): Promise<void>
  /** The rows of one table after the other, in pieces. */
  take(piece: DumpedRows): Promise<void>
}

export async function dumpTables(db: Database, reader: DumpReader): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.run(sql`set transaction isolation level repeatable read, read only`)
    // Packing waits for a disk; the snapshot has to stay meanwhile.
    await tx.run(sql`set local idle_in_transaction_session_timeout = 0`)
    const tables = await listTables(tx)
    await reader.begin({ migrations: await appliedMigrations(tx), tables })
    for (const table of tables) {
      await tx.run(sql`declare piece no scroll cursor for select t::text as row from ${raw(quoted(table))} t`)
      for (;;) {
        const rows = await tx.rows<{ row: string }>(sql`fetch ${raw(String(FETCH_ROWS))} from piece`)
        if (rows.length === 0) break
        await reader.take({ table, rows: rows.map(({ row }) => row) })
      }
      await tx.run(sql`close piece`)
    }
  })
}
