/** The files of the database: made once by initdb beside their place, then renamed into it. */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { access, chown, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SlipwayError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Binaries } from './binaries.ts'
import type { Account } from './residence.ts'
import { SUPERUSER } from './server.ts'
import type { Server } from './server.ts'
import { CLUSTER_SETTINGS } from './settings.ts'

const run = promisify(execFile)

/** A Unix socket's path holds 107 bytes; `/.s.PGSQL.5432.lock` takes 19 of them. */
const LONGEST_SOCKET_DIRECTORY = 107 - 19
/** A draft left by a killed process; no initdb takes this long. */
const DRAFT_IS_STALE_MS = 10 * 60_000
/** The server's log is set aside at a start when it is larger than this many bytes. */
const LARGE_LOG = 4 * 1024 * 1024
/** As much of the log's end as an error message can carry, bytes. */
const LOG_TAIL = 2_000

export interface ClusterParts {
  readonly home: string
  readonly binaries: Binaries
  readonly account: Account
  readonly logger: Logger
}

/** Everything a server needs to start: the cluster, a private socket folder and a log file. */
export async function prepareCluster(parts: ClusterParts): Promise<Server> {
  const { home, binaries, account } = parts
  const cluster = join(home, 'cluster')
  if (!(await isCluster(cluster))) await makeCluster(cluster, parts)
  const logFile = join(home, 'server.log')
  await setAsideLargeLog(logFile)
  return {
    cluster,
    logFile,
    socketDirectory: await makeSocketDirectory(home, account),
    binaries,
    account,
    environment: PLAIN_ENVIRONMENT,
    logTail: () => readTail(logFile),
  }
}

/** PostgreSQL gets no variable of ours: neither secrets nor a PGDATA or PGPORT that somebody exported. */
const PLAIN_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

async function isCluster(cluster: string): Promise<boolean> {
  return access(join(cluster, 'PG_VERSION')).then(
    () => true,
    () => false,
  )
}

async function makeCluster(cluster: string, { home, binaries, account, logger }: ClusterParts): Promise<void> {
  logger.info({ directory: cluster }, 'making the embedded database')
  await removeStaleDrafts(home)
  const draft = join(home, `.cluster-${randomBytes(6).toString('hex')}`)
  await mkdir(draft, { mode: 0o700 })
  try {
    if (account.ids !== undefined) await chown(draft, account.ids.uid, account.ids.gid)
    await run(join(binaries.directory, 'bin', 'initdb'), initdbArguments(draft), {
      cwd: '/',
      env: PLAIN_ENVIRONMENT,
      ...account.ids,
    })
    await rename(draft, cluster)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (await isCluster(cluster)) return
    throw new SlipwayError('database_unavailable', `initdb failed: ${lastLine(error)}`, {
      cause: error,
      remedy: 'set DATABASE_URL to a PostgreSQL server of your own (14 or newer)',
    })
  }
}

/** No password: the socket folder is closed to everybody but the account, and there is no TCP port. */
function initdbArguments(directory: string): readonly string[] {
  return [
    `--pgdata=${directory}`,
    `--username=${SUPERUSER}`,
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...Object.entries(CLUSTER_SETTINGS).map(([name, value]) => `--set=${name}=${value}`),
  ]
}

/** Beside the cluster where the path is short enough, else below /tmp under a name that only this cluster has. */
async function makeSocketDirectory(home: string, account: Account): Promise<string> {
  const beside = join(home, 'socket')
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 16)
  const directory = Buffer.byteLength(beside) <= LONGEST_SOCKET_DIRECTORY ? beside : join('/tmp', `slipway-${hash}`)
  const owner = account.ids?.uid ?? process.getuid?.() ?? 0
  const made = await mkdir(directory, { mode: 0o700 }).then(
    () => true,
    () => false,
  )
  if (made && account.ids !== undefined) await chown(directory, account.ids.uid, account.ids.gid)
  const found = await lstat(directory)
  // Root makes the folder and hands it over in two steps; another process may look in between.
  const ours = found.uid === owner || found.uid === process.getuid?.()
  if (!found.isDirectory() || !ours || (found.mode & 0o077) !== 0) {
    throw new SlipwayError('database_unavailable', `${directory} is not a private folder of the database`, {
      remedy: 'remove it, or choose a shorter DATA_DIR',
    })
  }
  if (found.uid !== owner && account.ids !== undefined) await chown(directory, account.ids.uid, account.ids.gid)
  return directory
}

async function removeStaleDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (!name.startsWith('.cluster-') && !name.startsWith('.programs-')) continue
    const draft = join(home, name)
    const found = await stat(draft).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > DRAFT_IS_STALE_MS) {
      await rm(draft, { recursive: true, force: true })
    }
  }
}

async function setAsideLargeLog(logFile: string): Promise<void> {
  const found = await stat(logFile).catch(() => undefined)
  if (found !== undefined && found.size > LARGE_LOG) await rename(logFile, `${logFile}.1`)
}

async function readTail(logFile: string): Promise<string> {
  const file = await open(logFile).catch(() => undefined)
  if (file === undefined) return 'it wrote no log'
  try {
    const { size } = await file.stat()
    const tail = Buffer.alloc(Math.min(size, LOG_TAIL))
    await file.read(tail, 0, tail.length, size - tail.length)
    return tail.toString('utf8')
  } finally {
    await file.close()
  }
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
  return text.trim().split('\n').at(-1) ?? ''
}
