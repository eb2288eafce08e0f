/** One idle connection that shows the others on this server that we are here; see embedded-postgres.ts for why. */
import pg from 'pg'
import { errorMessage } from '../../core/errors.ts'
import { databaseConnection } from './server.ts'
import type { Server } from './server.ts'

/** The advisory lock in the maintenance database: shared by all who are present, exclusive for who shuts down. */
const PRESENCE_LOCK = 5_110_719_421
/** Connecting to a local socket is instant; a server that is busy recovering answers at once that it is. */
const CONNECT_LIMIT_MS = 5_000
/** PostgreSQL's code for a database that exists already, and the one two simultaneous creators may see instead. */
const ALREADY_EXISTS = ['42P04', '23505']

export interface Presence {
  readonly client: pg.Client
  /** Settles when the connection is gone, for whatever reason. */
  readonly lost: Promise<void>
}

export type JoinOutcome =
  | { readonly present: true; readonly presence: Presence }
  | { readonly present: false; readonly reason: string }

/** Connects, takes the presence and makes sure that the application's database exists. */
export async function joinServer(server: Server): Promise<JoinOutcome> {
  const { connection } = databaseConnection(server)
  const client = new pg.Client({
    ...connection,
    database: 'postgres',
    application_name: 'slipway presence',
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    ssl: false,
  })
  const lost = new Promise<void>((settle) => {
    client.once('end', settle)
    client.on('error', () => settle())
  })
  try {
    await client.connect()
    await client.query('select pg_advisory_lock_shared($1)', [PRESENCE_LOCK])
    await makeDatabase(client, connection.database)
    return { present: true, presence: { client, lost } }
  } catch (error) {
    await client.end().catch(() => undefined)
    return { present: false, reason: errorMessage(error) }
  }
}

/** Gives the presence back; runs `shutDown` when nobody else holds one, keeping newcomers waiting meanwhile. */
export async function leaveServer({ client, lost }: Presence, shutDown: () => Promise<void>): Promise<void> {
  const last = await takeLastLeave(client)
  if (last) {
    await shutDown()
    await lost
  }
  await client.end().catch(() => undefined)
}

/** False as well when the server is gone already: then there is nothing left to stop. */
async function takeLastLeave(client: pg.Client): Promise<boolean> {
  try {
    await client.query('select pg_advisory_unlock_shared($1)', [PRESENCE_LOCK])
    const { rows } = await client.query<{ last: boolean }>('select pg_try_advisory_lock($1) as last', [PRESENCE_LOCK])
    return rows[0]?.last === true
  } catch {
    return false
  }
}

async function makeDatabase(client: pg.Client, name: string): Promise<void> {
  const found = await client.query('select 1 from pg_database where datname = $1', [name])
  if (found.rowCount !== 0) return
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!ALREADY_EXISTS.includes(code)) throw error
  }
}
