/**
 * The one way to PostgreSQL. Queries are written in SQL with `sql` templates (values never become text), because what
 * matters here (SKIP LOCKED, fencing, one-statement transitions) reads best in SQL; knex runs the migrations.
 */
import pg from 'pg'
import type { Sql } from 'sql-template-tag'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

export { default as sql, empty, join, raw } from 'sql-template-tag'
export type { Sql } from 'sql-template-tag'

/** How long a query may wait for a free connection before the database counts as away. */
const CONNECT_TIMEOUT_MS = 5_000
/** No query of ours is meant to take longer; a hung one must not hold a connection for ever. */
const STATEMENT_TIMEOUT_MS = 60_000
/**
 * A server that hangs keeps neither of its own limits, so we count as well, a little longer: after this the connection
 * is thrown away and the query has failed.
 */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000
/** A transaction whose process was stopped must let its locks go. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000

/** Where the server is: `DATABASE_URL`, or the socket of the embedded server. */
export type DatabaseAddress =
  | { readonly url: string }
  | { readonly host: string; readonly user: string; readonly database: string; readonly port: number }

/** Anything that can run a query: the pool, or one transaction. Row types are the caller's claim on its own SQL. */
export interface Queryable {
  /** `limitMs` gives a query that somebody waits for less time than others have. */
  rows<Row extends object>(query: Sql, limitMs?: number): Promise<Row[]>
  /** The first row, or null. */
  first<Row extends object>(query: Sql): Promise<Row | null>
  /** Runs the query and tells how many rows it changed. */
  run(query: Sql): Promise<number>
}

export interface Database extends Queryable {
  /** Runs `work` in one transaction; a thrown error rolls back. */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>
  /** Sends a NOTIFY; a hint only, nothing may depend on its arrival. */
  notify(channel: string, payload: string): Promise<void>
  /** A connection of its own, for LISTEN. */
  connect(): Promise<pg.Client>
  close(): Promise<void>
}

export function clientConfig(address: DatabaseAddress): pg.ClientConfig {
  const base = {
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    // A line that was cut without a word is noticed by the system in the end.
    keepAlive: true,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    application_name: 'slipway',
  }
  return 'url' in address ? { ...base, connectionString: address.url } : { ...base, ...address }
}

export function openDatabase(address: DatabaseAddress, logger: Logger, maxConnections = 16): Database {
  const pool = new pg.Pool({ ...clientConfig(address), max: maxConnections })
  // An idle connection that breaks is replaced by the pool; without a listener Node would end the process.
  pool.on('error', (error) => logger.warn({ err: error.message }, 'a database connection broke'))

  const onPool = queryable((query) => pool.query(query))
  return {
    ...onPool,
    async transaction(work) {
      const client = await pool.connect().catch(asUnavailable)
      let broken: Error | undefined
      // The pool listens on idle connections only; one that breaks in our hands would end the process.
      const onBroken = (error: Error): void => {
        broken = error
      }
      client.on('error', onBroken)
      try {
        await client.query('begin').catch(asUnavailable)
        const result = await work(queryable((query) => client.query(query)))
        await client.query('commit').catch(asUnavailable)
        return result
      } catch (error) {
        await client.query('rollback').catch((failure: Error) => {
          broken = failure
        })
        throw error
      } finally {
        client.off('error', onBroken)
        client.release(broken)
      }
    },
    async notify(channel, payload) {
      await pool.query('select pg_notify($1, $2)', [channel, payload]).catch(asUnavailable)
    },
    async connect() {
      const client = new pg.Client(clientConfig(address))
      await client.connect().catch(asUnavailable)
      return client
    },
    async close() {
      await pool.end()
    },
  }
}

type RunQuery = (query: Sql | (pg.QueryConfig & { query_timeout: number })) => Promise<pg.QueryResult>

function queryable(run: RunQuery): Queryable {
  return {
    async rows<Row extends object>(query: Sql, limitMs?: number) {
      const limited = limitMs === undefined ? query : { text: query.text, values: query.values, query_timeout: limitMs }
      const result = await run(limited).catch(asUnavailable)
      return result.rows as Row[]
    },
    async first<Row extends object>(query: Sql) {
      const result = await run(query).catch(asUnavailable)
      return (result.rows[0] as Row | undefined) ?? null
    },
    async run(query) {
      const result = await run(query).catch(asUnavailable)
      return result.rowCount ?? 0
    },
  }
}

/**
 * Classes of SQLSTATE in which the server is away, on its way down or does not get on: 08 connection, 53 resources,
 * 57P shutdown, 57014 a statement over its limit, 25P03 a transaction that was left idle.
 */
const AWAY_CLASSES = ['08', '53', '57P', '57014', '25P03']
const AWAY_CODES = ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENOTFOUND']

/** Turns "the database is away" into its own error; every other failure is passed on as it is. */
function asUnavailable(error: unknown): never {
  if (isUnavailable(error)) {
    throw new SlipwayError('database_unavailable', 'the database does not answer', { cause: error })
  }
  throw error
}

export function isUnavailable(error: unknown): boolean {
  if (error instanceof SlipwayError) return error.code === 'database_unavailable'
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  if (code !== null) return AWAY_CODES.includes(code) || AWAY_CLASSES.some((prefix) => code.startsWith(prefix))
  // pg's own connection errors carry no code.
  return /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|Client has encountered a connection error/.test(
    error.message,
  )
}

/** True for a violated unique constraint, optionally one named constraint or index. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505') return false
  return constraint === undefined || ('constraint' in error && error.constraint === constraint)
}
