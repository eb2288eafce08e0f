/** Gauges that the database knows: what waits, what runs, how old the oldest report is. */
import { sql, type Database } from './database.ts'

type Register = (
  name: string,
  help: string,
  labelNames: readonly string[],
  read: () => Promise<readonly { readonly value: number; readonly labels: Readonly<Record<string, string>> }[]>,
) => void

export function registerQueueGauges(db: Database, register: Register): void {
  register('slipway_jobs', 'Jobs in the queue, by kind and state', ['kind', 'state'], async () => {
    const rows = await db.rows<{ kind: string; state: string; n: number }>(
      sql`select kind, state, count(*)::integer as n from jobs group by kind, state`,
    )
    return rows.map(({ kind, state, n }) => ({ value: n, labels: { kind, state } }))
  })
  register('slipway_runs_open', 'Runs that have not ended, by kind and state', ['kind', 'state'], async () => {
    const rows = await db.rows<{ kind: string; state: string; n: number }>(
      sql`select kind, state, count(*)::integer as n from runs where state <> 'completed' group by kind, state`,
    )
    return rows.map(({ kind, state, n }) => ({ value: n, labels: { kind, state } }))
  })
  register('slipway_reports_oldest_seconds', 'Age of the oldest report that GitHub does not have yet', [], async () => {
    const row = await db.first<{
      age: number | null
    }>(sql`select extract(epoch from now() - min(updated_at))::float8 as age
      from check_reports where sent_version < version and given_up_at is null`)
    return [{ value: row?.age ?? 0, labels: {} }]
  })
}
