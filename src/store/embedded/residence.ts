/**
 * Which account runs the server, and where its files live. PostgreSQL refuses to run as root, so a Slipway that is root
 * starts it under an unprivileged account. That account must be able to walk to its files, and a checkout below root's
 * own home (closed to everybody else) does not let it: then the files live below /var/lib and DATA_DIR/postgres is a
 * link to them. Deleting DATA_DIR deletes that link, so a new DATA_DIR never finds an old database.
 */
import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, readlink, realpath, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { SlipwayError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'

/** The account that runs the server; `ids` is undefined when it is simply our own. */
export interface Account {
  readonly ids: { readonly uid: number; readonly gid: number } | undefined
}

/** Unprivileged accounts in the order of preference; the first that exists is taken. */
const ACCOUNT_NAMES = ['postgres', 'nobody', 'daemon'] as const

/** Where the files go when the account cannot walk to DATA_DIR; survives restarts, open to walk through. */
const ROOTS_OWN_PLACE = '/var/lib/slipway'

const EXECUTE = { owner: 0o100, group: 0o010, other: 0o001 } as const

/** Root hands the server to the owner of an existing cluster, else to an unprivileged account of this machine. */
export async function chooseAccount(dataDir: string): Promise<Account> {
  const self = process.getuid?.()
  const cluster = await stat(join(dataDir, 'postgres', 'cluster')).catch(() => undefined)
  if (self !== 0) {
    if (cluster === undefined || cluster.uid === self) return { ids: undefined }
    throw new SlipwayError('database_unavailable', `the database in ${dataDir} belongs to account ${cluster.uid}`, {
      remedy: 'start Slipway as root or as that account, or choose another DATA_DIR',
    })
  }
  if (cluster !== undefined && cluster.uid !== 0) return { ids: { uid: cluster.uid, gid: cluster.gid } }

  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8'))
  for (const name of ACCOUNT_NAMES) {
    const ids = accounts.get(name)
    if (ids !== undefined && ids.uid !== 0) return { ids }
  }
  throw new SlipwayError('database_unavailable', 'PostgreSQL does not run as root, and no other account was found', {
    remedy: 'start Slipway as a plain user, make an account named postgres, or set DATABASE_URL',
  })
}

/** Makes (or finds) the folder that holds the cluster, its log and its socket; the account can walk to it. */
export async function chooseHome(dataDir: string, account: Account, logger: Logger): Promise<string> {
  await mkdir(dataDir, { recursive: true })
  const home = join(await realpath(dataDir), 'postgres')
  if (await openToAccount(dirname(home), account)) {
    await mkdir(home, { mode: 0o755 }).catch(ignoreExisting)
  } else {
    await linkToOwnPlace(home, logger)
  }
  const place = await realpath(home)
  if (await isReachable(place, account)) return place
  throw new SlipwayError('database_unavailable', `the account of the database cannot reach ${place}`, {
    remedy: 'move DATA_DIR to a folder that others may walk through, or set DATABASE_URL',
  })
}

/** DATA_DIR itself is ours, so it is opened for walking through (not for listing); folders above it are not touched. */
async function openToAccount(directory: string, account: Account): Promise<boolean> {
  if (await isReachable(directory, account)) return true
  if (!(await isReachable(dirname(directory), account))) return false
  const { mode } = await stat(directory)
  await chmod(directory, (mode & 0o7777) | EXECUTE.group | EXECUTE.other)
  return isReachable(directory, account)
}

async function linkToOwnPlace(home: string, logger: Logger): Promise<void> {
  const existing = await lstat(home).catch(() => undefined)
  if (existing !== undefined) {
    if (existing.isSymbolicLink()) await mkdir(await readlink(home), { recursive: true, mode: 0o755 })
    return
  }
  const place = join(ROOTS_OWN_PLACE, `postgres-${randomBytes(6).toString('hex')}`)
  await mkdir(place, { recursive: true, mode: 0o755 })
  try {
    await symlink(place, home)
    logger.info({ place, link: home }, 'the database lives outside DATA_DIR, which its account may not enter')
  } catch (error) {
    await rm(place, { recursive: true, force: true })
    ignoreExisting(error)
  }
}

/** Whether the account may walk every folder to the path and enter (or run) the path itself; follows links. */
export async function isReachable(path: string, account: Account): Promise<boolean> {
  if (account.ids === undefined) return true
  for (let step = await realpath(resolve(path)); ; step = dirname(step)) {
    const { mode, uid, gid } = await stat(step)
    const bit = uid === account.ids.uid ? EXECUTE.owner : gid === account.ids.gid ? EXECUTE.group : EXECUTE.other
    if ((mode & bit) === 0) return false
    if (step === dirname(step)) return true
  }
}

function parseAccounts(passwd: string): ReadonlyMap<string, { uid: number; gid: number }> {
  const lines = passwd.split('\n').map((line) => line.split(':'))
  return new Map(lines.map(([name = '', , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]))
}

function ignoreExisting(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return
  throw error
}
