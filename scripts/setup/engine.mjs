/**
 * A Docker Engine: the one that answers at DOCKER_HOST, else one of our own from the distribution, detached, with its data
 * below DATA_DIR. It outlives the set-up on purpose; the next set-up finds it.
 */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { install, isRootOnDebian } from './debian.mjs'
import { engineAt } from './engine-api.mjs'
import { run, which } from './run.mjs'
import { SetUpError } from './set-up-error.mjs'

const DEFAULT_SOCKET = '/var/run/docker.sock'
/** Short, because containerd's socket lies below it and the path of a socket holds 107 bytes. */
const EXEC_ROOT = '/var/run/slipway-docker'
const START_LIMIT_MS = 90_000
const POLL_MS = 100
/** The end of the log that goes into the error, characters. */
const LAST_WORDS = 400

export async function provideEngine({ announce, dataDir, dockerHost }) {
  const engine = engineAt(dockerHost)
  if (engine === undefined) {
    throw new SetUpError(`DOCKER_HOST=${dockerHost}: the set-up needs an Engine at a socket or over TCP`)
  }
  if (await engine.ping()) return engine
  const isDefault = dockerHost === DEFAULT_SOCKET || dockerHost === `unix://${DEFAULT_SOCKET}`
  if (!isDefault) throw new SetUpError(`no Docker Engine answers at DOCKER_HOST=${dockerHost}: start it, or unset it`)
  if (existsSync(DEFAULT_SOCKET) && process.getuid?.() !== 0) {
    throw new SetUpError(`${DEFAULT_SOCKET} does not answer: start Docker, and add yourself to the group docker`)
  }
  if (!isRootOnDebian()) {
    throw new SetUpError('no Docker Engine answers: install Docker (Engine 20.10 or newer) and start it')
  }
  if (which('dockerd') === undefined || which('iptables') === undefined) {
    await install({ announce, why: 'no Docker Engine here', packages: ['docker.io', 'iptables', 'ca-certificates'] })
  }
  await startEngine({ announce, engine, dataDir })
  return engine
}

async function startEngine({ announce, engine, dataDir }) {
  const logFile = join(dataDir, 'docker.log')
  announce(`starting a Docker Engine with its data in ${join(dataDir, 'docker')} (log: ${logFile})`)
  mkdirSync(dataDir, { recursive: true })
  await mountCgroups()
  if (await startDaemon({ engine, dataDir, logFile, path: process.env.PATH })) return
  // Kernels without nf_tables need the older iptables, which the distribution installs beside the newer one.
  const older = olderIptables(dataDir)
  if (older !== undefined && (await startDaemon({ engine, dataDir, logFile, path: `${older}:${process.env.PATH}` }))) {
    return
  }
  const words = readFileSync(logFile, 'utf8').trim().slice(-LAST_WORDS)
  throw new SetUpError(`dockerd does not start here, see ${logFile}: ${words.replaceAll('\n', ' ')}`)
}

/** True when it answers, false when it ended. */
async function startDaemon({ engine, dataDir, logFile, path }) {
  const pidFile = join(dataDir, 'docker.pid')
  removeStalePidFile(pidFile, 'dockerd')
  removeStalePidFile(join(EXEC_ROOT, 'containerd/containerd.pid'), 'containerd')
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(
    which('dockerd'),
    [
      `--data-root=${join(dataDir, 'docker')}`,
      `--exec-root=${EXEC_ROOT}`,
      `--pidfile=${pidFile}`,
      `--host=unix://${DEFAULT_SOCKET}`,
    ],
    { cwd: '/', detached: true, stdio: ['ignore', log, log], env: { ...process.env, PATH: path } },
  )
  closeSync(log)
  let ended = false
  child.on('exit', () => (ended = true)).on('error', () => (ended = true))
  child.unref()
  const deadline = performance.now() + START_LIMIT_MS
  while (!ended && performance.now() < deadline) {
    if (await engine.ping()) return true
    await delay(POLL_MS)
  }
  if (!ended) process.kill(child.pid, 'SIGTERM')
  return false
}

/** A pid file from before a restart or a crash may name a stranger or a dead process, and Docker would wait for it. */
function removeStalePidFile(pidFile, name) {
  if (!existsSync(pidFile)) return
  const status = `/proc/${readFileSync(pidFile, 'utf8').trim()}/status`
  const living = existsSync(status) ? readFileSync(status, 'utf8') : ''
  if (!living.startsWith(`Name:\t${name}\n`) || /^State:\s+Z/m.test(living)) rmSync(pidFile, { force: true })
}

/** Small virtual machines without an init system leave the control groups unmounted. */
async function mountCgroups() {
  if (!existsSync('/sys/fs/cgroup') || readdirSync('/sys/fs/cgroup').length > 0) return
  await run('mount', ['-t', 'cgroup2', 'none', '/sys/fs/cgroup']).catch(() => undefined)
}

function olderIptables(dataDir) {
  const [ipv4, ipv6] = [which('iptables-legacy'), which('ip6tables-legacy')]
  if (ipv4 === undefined || ipv6 === undefined) return undefined
  const folder = join(dataDir, 'iptables')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  symlinkSync(ipv4, join(folder, 'iptables'))
  symlinkSync(ipv6, join(folder, 'ip6tables'))
  return folder
}
