/** The server's process: started detached from us, known by its pid file, reached through its socket. */
import { spawn } from 'node:child_process'
import { openSync, closeSync } from 'node:fs'
import { readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import type { Account } from './residence.ts'
import { REQUIRED_SETTINGS } from './settings.ts'

/** What is known about one cluster and how to run it. */
export interface Server {
  readonly cluster: string
  readonly socketDirectory: string
  readonly logFile: string
  readonly binaries: Binaries
  readonly account: Account
  readonly environment: Readonly<Record<string, string>>
  /** The end of the server's log, for the message of a failed start. */
  logTail(): Promise<string>
}

/** Role and database of the application; the role owns the cluster. */
export const SUPERUSER = 'slipway'
const DATABASE = 'slipway'
const PORT = Number(REQUIRED_SETTINGS.port)

/** A fast shutdown writes a checkpoint; after this it is asked to stop without one and recovers at the next start. */
const STOP_LIMIT_MS = 15_000
const STOP_POLL_MS = 10

export interface DatabaseConnection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

/** Where the application's database is, as parts and as a URL. */
export function databaseConnection(server: Server): { connection: DatabaseConnection; url: string } {
  const connection = { host: server.socketDirectory, port: PORT, user: SUPERUSER, database: DATABASE }
  const host = encodeURIComponent(server.socketDirectory)
  return { connection, url: `postgresql://${SUPERUSER}@localhost:${String(PORT)}/${DATABASE}?host=${host}` }
}

export interface StartedServer {
  readonly pid: number | undefined
  /** How the process ended, or undefined while it runs. */
  ended(): { readonly reason: string } | undefined
}

/**
 * Starts PostgreSQL in a session of its own, so that neither Ctrl-C in our terminal nor our death ends it. Its output
 * goes straight to the log file, never through us.
 */
export function spawnServer(server: Server): StartedServer {
  const settings = { ...REQUIRED_SETTINGS, unix_socket_directories: server.socketDirectory }
  const log = openSync(server.logFile, 'a', 0o600)
  let ended: { reason: string } | undefined
  try {
    const child = spawn(
      join(server.binaries.directory, 'bin', 'postgres'),
      ['-D', server.cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        cwd: '/',
        detached: true,
        env: server.environment,
        stdio: ['ignore', log, log],
        ...server.account.ids,
      },
    )
    child.once('error', (error) => (ended = { reason: error.message }))
    child.once('exit', (code, signal) => (ended = { reason: `exit ${String(code ?? signal)}` }))
    child.unref()
    return { pid: child.pid, ended: () => ended }
  } finally {
    closeSync(log)
  }
}

/** Who runs on the cluster according to its pid file; undefined when nobody does. */
export async function serverPid(server: Server): Promise<number | undefined> {
  const text = await readFile(pidFile(server), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined
}

/** Whether the process named in the pid file lives and is a server of this very cluster. */
export async function isServerAlive(server: Server): Promise<boolean> {
  const pid = await serverPid(server)
  return pid !== undefined && (await isServerOf(server, pid))
}

/**
 * A pid file that a crash of the machine left behind may name a process that has nothing to do with it, and PostgreSQL
 * would refuse to start for its sake. PostgreSQL itself guards against a second server, whatever happens here.
 */
export async function removeStalePidFile(server: Server): Promise<void> {
  const pid = await serverPid(server)
  if (pid !== undefined && !(await isServerOf(server, pid))) await rm(pidFile(server), { force: true })
}

/** Asks the server to stop and waits until it is gone; clients still connected are cut off. */
export async function stopServer(server: Server): Promise<void> {
  const pid = await serverPid(server)
  if (pid === undefined || !(await isServerOf(server, pid))) return
  signal(pid, 'SIGINT')
  const deadline = performance.now() + STOP_LIMIT_MS
  let forced = false
  while (await isServerOf(server, pid)) {
    if (!forced && performance.now() > deadline) {
      forced = true
      signal(pid, 'SIGQUIT')
    }
    await delay(STOP_POLL_MS)
  }
}

/** A server's working directory is its cluster; where /proc does not exist, being alive has to be enough. */
async function isServerOf(server: Server, pid: number): Promise<boolean> {
  if (!signal(pid, 0)) return false
  if (process.platform !== 'linux') return true
  return readlink(`/proc/${String(pid)}/cwd`).then(
    (directory) => directory === server.cluster,
    () => false,
  )
}

/** False when there is no such process (or it is somebody else's). */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

function pidFile(server: Server): string {
  return join(server.cluster, 'postmaster.pid')
}
