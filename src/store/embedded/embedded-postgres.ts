/**
 * The database that Slipway brings with it: real PostgreSQL binaries from npm, one server per DATA_DIR.
 *
 * Several processes may share the directory, and any of them may be killed at any line. Nothing here relies on a lock
 * file that a dead process leaves behind:
 *
 * - The cluster is made beside its place and renamed into it, so the first of two wins and a half-made one is never used.
 * - Two servers on one cluster are refused by PostgreSQL itself; whoever loses that race joins the winner.
 * - The server is detached from us. It survives a kill of its Slipway, and the next Slipway joins it.
 * - Each Slipway holds one idle connection with a shared advisory lock: its presence. PostgreSQL drops it with the
 *   process. Who stops gives its own back and asks for the exclusive one; only the last gets it, and holds it while the
 *   server shuts down, so that a newcomer in that moment waits, sees the server go, and starts it again.
 * - When the presence breaks off (the server was killed or crashed), the server is started again in the background.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { errorMessage, SlipwayError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { findBinaries, prepareBinaries } from './binaries.ts'
import { prepareCluster } from './cluster.ts'
import { joinServer, leaveServer } from './presence.ts'
import type { Presence } from './presence.ts'
import { chooseAccount, chooseHome } from './residence.ts'
import { databaseConnection, isServerAlive, removeStalePidFile, serverPid, spawnServer, stopServer } from './server.ts'
import type { DatabaseConnection, Server } from './server.ts'

/** Between two attempts to reach a server that is starting, shutting down or recovering. */
const RETRY_MS = 15
/** A server that replays its log after a crash needs seconds; one that is not there after this is broken. */
const START_LIMIT_MS = 60_000
/** A lost start race explains one failure; more of them are a real fault, told with the server's own words. */
const MOST_FAILED_STARTS = 3
/** Between two attempts to bring back a server that died while it was in use. */
const REVIVE_MS = 1_000

export interface EmbeddedPostgres {
  /** For `pg` and knex. */
  readonly connection: DatabaseConnection
  /** The same as a URL that libpq understands too. */
  readonly url: string
  /** Whether a running server was joined instead of started. */
  readonly joined: boolean
  /** Leaves the server and, when nobody else uses it, stops it. Close the pools first. Never throws twice. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  /** Slipway's DATA_DIR; the database lives in its `postgres` folder. */
  readonly dataDir: string
  readonly logger: Logger
}

/**
 * Makes the database at the first start, starts its server or joins the running one, and answers when it takes queries.
 * Throws `database_unavailable` with a remedy when this machine cannot run it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger } = options
  const installed = findBinaries()
  const account = await chooseAccount(options.dataDir)
  const home = await chooseHome(options.dataDir, account, logger)
  const binaries = await prepareBinaries(installed, home, account)
  const server = await prepareCluster({ home, binaries, account, logger })

  const first = await joinOrStart(server)
  logger.info({ directory: server.cluster, joined: first.joined }, 'the embedded database is ready')
  const keeper = keepPresent(server, first.presence, logger)

  return { ...databaseConnection(server), joined: first.joined, stop: keeper.stop }
}

interface Joined {
  readonly presence: Presence
  readonly joined: boolean
}

/** Tries to join until it works, starting the server whenever none is alive. */
async function joinOrStart(server: Server): Promise<Joined> {
  const deadline = performance.now() + START_LIMIT_MS
  let started: ReturnType<typeof spawnServer> | undefined
  let failedStarts = 0
  for (;;) {
    const ended = started?.ended()
    if (ended !== undefined) {
      started = undefined
      failedStarts += 1
      if (failedStarts >= MOST_FAILED_STARTS) throw startFailure(server, await server.logTail())
    }
    if (started === undefined && !(await isServerAlive(server))) {
      await removeStalePidFile(server)
      started = spawnServer(server)
    }

    const presence = await joinServer(server)
    if (presence.present) {
      return { presence: presence.presence, joined: started === undefined || started.pid !== (await serverPid(server)) }
    }
    if (performance.now() > deadline) {
      throw startFailure(server, `${presence.reason}\n${await server.logTail()}`)
    }
    await delay(RETRY_MS)
  }
}

/** Holds the presence, revives the server when it dies, and gives everything back in the end. */
function keepPresent(server: Server, first: Presence, logger: Logger): { stop: () => Promise<void> } {
  const stopping = new AbortController()
  let present: Promise<Presence | undefined> = Promise.resolve(first)
  let stopped: Promise<void> | undefined

  const revive = async (): Promise<Presence | undefined> => {
    while (!stopping.signal.aborted) {
      try {
        const { presence } = await joinOrStart(server)
        logger.info({ directory: server.cluster }, 'the embedded database is back')
        watch(presence)
        return presence
      } catch (error) {
        logger.error({ reason: errorMessage(error) }, 'the embedded database cannot be brought back yet')
        await delay(REVIVE_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
    return undefined
  }
  const watch = (presence: Presence): void => {
    void presence.lost.then(() => {
      if (stopping.signal.aborted) return
      logger.warn({ directory: server.cluster }, 'the embedded database went away, starting it again')
      present = revive()
    })
  }
  watch(first)

  const leave = async (): Promise<void> => {
    stopping.abort()
    const presence = await present
    if (presence === undefined) return
    await leaveServer(presence, () => stopServer(server))
  }
  return { stop: () => (stopped ??= leave()) }
}

function startFailure(server: Server, detail: string): SlipwayError {
  return new SlipwayError('database_unavailable', `the embedded PostgreSQL does not start: ${detail.trim()}`, {
    remedy: `look at ${server.logFile}, or set DATABASE_URL to a PostgreSQL server of your own`,
  })
}
