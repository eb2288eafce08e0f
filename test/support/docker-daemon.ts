/**
 * A Docker Engine of a test's own, to be killed and restarted without hurting anybody: its own data, socket and network
 * namespace. (An Engine that shares the host's namespace fights with the machine's own over `docker0`.) All private
 * Engines of one process hang on one bridge, so they reach each other and can form a Swarm; the test reaches them, and
 * the ports that their containers publish, at `address`. Only root can do this.
 */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

const START_LIMIT_MS = 60_000
const POLL_MS = 50
/** The bridge's network; the process id makes it differ from those of other test processes. */
const SUBNET = `10.${String(200 + (process.pid % 50))}.${String((process.pid >> 8) % 250)}`
const BRIDGE = `slw${String(process.pid)}`
const ADDRESS_BITS = 24

let lastNumber = 1
let users = 0
let bridge: Promise<void> | undefined

export interface PrivateDocker {
  /** Path of its Unix socket. */
  readonly socket: string
  /** Where the Engine and its published ports are reached from this machine and from other private Engines. */
  readonly address: string
  /** kill -9; containers and their shims stay behind, as after a crash. */
  kill(): Promise<void>
  /** Starts it on the same data, whether it was killed or runs. */
  restart(): Promise<void>
  /** Ends it and removes everything it made. */
  stop(): Promise<void>
}

/** `images` are copied from the machine's own Engine. */
export async function startPrivateDocker({ images = ['busybox:latest'] } = {}): Promise<PrivateDocker> {
  lastNumber += 1
  const number = lastNumber
  const network = await openNetwork(number)
  const directory = await mkdtemp('/tmp/slw-docker-')
  const daemon = { directory, socket: join(directory, 'docker.sock'), namespace: network.namespace }

  let process = await startDaemon(daemon)
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (process.exitCode !== null || process.signalCode !== null) return
    process.kill(signal)
    await once(process, 'exit')
  }
  const restart = async (): Promise<void> => {
    await end('SIGTERM')
    process = await startDaemon(daemon)
  }
  for (const image of images) await copyImage(image, daemon.socket)

  return {
    socket: daemon.socket,
    address: network.address,
    kill: async () => {
      await end('SIGKILL')
      await containerdEnded(directory)
    },
    restart,
    stop: async () => {
      // A killed Engine left containers behind; only an Engine can end them.
      if (process.signalCode === 'SIGKILL') await restart()
      await end('SIGTERM')
      await network.close()
      await unmountBelow(directory)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/**
 * The kernel kills an Engine's containerd with it. Until that has happened, a new Engine takes the dying one for its own
 * and waits for it in vain; the same happens when nobody has collected the dead process yet, hence the removed file.
 */
async function containerdEnded(directory: string): Promise<void> {
  const pidFile = join(directory, 'run/containerd/containerd.pid')
  const pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim()
  while (pid !== '' && /^State:\s+[^Z]/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))) {
    await delay(POLL_MS)
  }
  await rm(pidFile, { force: true })
}

/** A killed Engine leaves its mounts; the newest lies on top. */
async function unmountBelow(directory: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  for (const mount of mounts.filter((path) => path.startsWith(`${directory}/`)).toReversed()) {
    await run('umount', ['--lazy', mount])
  }
}

interface Daemon {
  readonly directory: string
  readonly socket: string
  readonly namespace: string
}

async function startDaemon({ directory, socket, namespace }: Daemon): Promise<ChildProcess> {
  const logFile = join(directory, 'docker.log')
  const log = openSync(logFile, 'a')
  const daemon = [
    'dockerd',
    `--data-root=${join(directory, 'data')}`,
    `--exec-root=${join(directory, 'run')}`,
    `--pidfile=${join(directory, 'docker.pid')}`,
    `--host=unix://${socket}`,
  ]
  // `ip netns exec` would remount /sys and hide the control groups; nsenter changes the network only.
  const child = spawn('nsenter', [`--net=/var/run/netns/${namespace}`, ...daemon], { stdio: ['ignore', log, log] })
  closeSync(log)
  const deadline = performance.now() + START_LIMIT_MS
  while (!(await answers(socket))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the private dockerd does not start:\n${await readFile(logFile, 'utf8')}`)
    }
    await delay(POLL_MS)
  }
  return child
}

function answers(socket: string): Promise<boolean> {
  return new Promise((settle) => {
    const ping = request({ socketPath: socket, path: '/_ping' }, (response) => {
      response.resume()
      settle(response.statusCode === 200)
    })
    ping.on('error', () => settle(false)).end()
  })
}

/** Streams the image from the machine's Engine into this one. */
async function copyImage(image: string, socket: string): Promise<void> {
  await new Promise<void>((settle, fail) => {
    const load = request({ socketPath: socket, path: '/images/load', method: 'POST' }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200) settle()
        else fail(new Error(`loading ${image} was answered ${String(response.statusCode)}`))
      })
    })
    load.on('error', fail)
    const path = `/images/${encodeURIComponent(image)}/get`
    const get = request({ socketPath: '/var/run/docker.sock', path }, (response) => response.pipe(load))
    get.on('error', fail).end()
  })
}

interface Network {
  readonly namespace: string
  readonly address: string
  close(): Promise<void>
}

/** A namespace with one end of a cable in it, the other end on the bridge. */
async function openNetwork(number: number): Promise<Network> {
  users += 1
  await (bridge ??= openBridge())
  const namespace = `${BRIDGE}-${String(number)}`
  const cable = `${BRIDGE}v${String(number)}`.slice(0, 15)
  const address = `${SUBNET}.${String(number)}`
  const inside = (...args: string[]): Promise<unknown> => run('ip', ['-n', namespace, ...args])
  await run('ip', ['netns', 'add', namespace])
  await run('ip', ['link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace])
  await run('ip', ['link', 'set', cable, 'master', BRIDGE, 'up'])
  await inside('addr', 'add', `${address}/${String(ADDRESS_BITS)}`, 'dev', 'eth0')
  await inside('link', 'set', 'lo', 'up')
  await inside('link', 'set', 'eth0', 'up')
  await inside('route', 'add', 'default', 'via', `${SUBNET}.1`)
  return {
    namespace,
    address,
    close: async () => {
      await run('ip', ['netns', 'delete', namespace])
      users -= 1
      if (users > 0) return
      bridge = undefined
      await closeBridge()
    },
  }
}

/** Docker's own rules drop what is forwarded, bridged packets included, so ours gets a rule of its own. */
const ALLOW = ['FORWARD', '-i', BRIDGE, '-o', BRIDGE, '-j', 'ACCEPT']

async function openBridge(): Promise<void> {
  await run('ip', ['link', 'add', BRIDGE, 'type', 'bridge'])
  await run('ip', ['addr', 'add', `${SUBNET}.1/${String(ADDRESS_BITS)}`, 'dev', BRIDGE])
  await run('ip', ['link', 'set', BRIDGE, 'up'])
  await run('iptables', ['-w', '-I', ...ALLOW])
}

async function closeBridge(): Promise<void> {
  await run('iptables', ['-w', '-D', ...ALLOW])
  await run('ip', ['link', 'delete', BRIDGE])
}
