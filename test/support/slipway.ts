/**
 * A real Slipway for one test: its own database, its own data folder, a simulated GitHub over HTTP, and the server as a
 * child process, so that it can be killed like one. Everything is removed at the end.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { ensureBuilt } from '../../scripts/build.mjs'
import { connectDockerHost } from '../../src/docker/connect-host.ts'
import { sweepOwned } from '../../src/docker/sweep.ts'
import { createControlClient, type ControlClient } from '../../src/simulate/control-client.ts'
import { startSimulatedGitHub, type SimulatedGitHub } from '../../src/simulate/start-simulated-github.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Two busy cores, a database to be migrated. */
const READY_TIMEOUT_MS = 60_000
export const ADMIN_TOKEN = 'admin-token-of-the-tests'

export interface SlipwayProcess {
  readonly url: string
  readonly pid: number
  /** What the process printed so far. */
  output(): string
  stop(): Promise<number | null>
  kill(): Promise<void>
}

export interface SlipwayUnderTest {
  readonly github: ControlClient
  readonly simulated: SimulatedGitHub
  readonly database: TestDatabase
  readonly dataDir: string
  /** The first process. */
  readonly url: string
  /** What the first process is started with. */
  env(): NodeJS.ProcessEnv
  /** Starts one more process on the same database, or the first one again after a kill. */
  start(env?: Readonly<Record<string, string>>): Promise<SlipwayProcess>
  readonly process: () => SlipwayProcess
  /** A request with the admin's token. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

export interface SlipwayOptions {
  /** Text of server.yml. */
  readonly serverFile?: string
  readonly env?: Readonly<Record<string, string>>
  /** False: nothing is started yet. */
  readonly start?: boolean
}

export async function startSlipway(options: SlipwayOptions = {}): Promise<SlipwayUnderTest> {
  // What is shipped is what is tested; the build is skipped when nothing has changed.
  await ensureBuilt()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const [simulated, database, dataDir] = await Promise.all([
    startSimulatedGitHub({ webhookUrl: `${url}/api/github/webhooks` }),
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'slipway-test-')),
  ])
  const serverFile = join(dataDir, 'server.yml')
  if (options.serverFile !== undefined) await writeFile(serverFile, options.serverFile)
  const github = createControlClient(simulated)
  const running: SlipwayProcess[] = []

  const env = (processPort: number): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    HOME: dataDir,
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    PORT: String(processPort),
    BASE_URL: url,
    DATA_DIR: dataDir,
    DATABASE_URL: database.url,
    ADMIN_TOKEN,
    GHE_HOST: simulated.url.replace('http://', ''),
    GHE_PROTOCOL: 'http',
    APP_ID: String(simulated.appId),
    PRIVATE_KEY: simulated.privateKey,
    WEBHOOK_SECRET: simulated.webhookSecret,
    GITHUB_CLIENT_ID: simulated.clientId,
    GITHUB_CLIENT_SECRET: simulated.clientSecret,
    ...(options.serverFile === undefined ? {} : { SERVER_CONFIG: serverFile }),
    ...options.env,
  })

  async function start(more: Readonly<Record<string, string>> = {}): Promise<SlipwayProcess> {
    const isFirst = running.every((one) => !one.url.endsWith(`:${port}`) || !isAlive(one.pid))
    const processPort = isFirst ? port : await freePort()
    const started = await startProcess({ ...env(processPort), ...more }, `http://127.0.0.1:${processPort}`)
    running.push(started)
    return started
  }

  if (options.start !== false) await start()
  return {
    github,
    simulated,
    database,
    dataDir,
    url,
    env: () => env(port),
    start,
    process: () => {
      const last = running.at(-1)
      if (last === undefined) throw new Error('no process was started')
      return last
    },
    fetch: (path, init = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...Object.fromEntries(new Headers(init.headers)) },
      }),
    async close() {
      await Promise.all(running.map((one) => one.kill()))
      await removeEverything(database.url)
      await simulated.close()
      await database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Services outlive their Slipway, as they should; a test's must not outlive the test. */
async function removeEverything(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ value: string }>(
    `select value #>> '{}' as value from settings where key = 'instance_id'`,
  )
  await client.end()
  const instance = rows[0]?.value
  if (instance === undefined) return
  const host = connectDockerHost({ name: 'test', endpoint: '/var/run/docker.sock' })
  await sweepOwned(host.engine, { instance }, () => false)
  host.close()
}

async function startProcess(env: NodeJS.ProcessEnv, url: string): Promise<SlipwayProcess> {
  const child = spawn(process.execPath, ['dist/main.js'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output += chunk.toString('utf8')
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  await untilReady(child, url, () => output)
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    stop: () => end(child, 'SIGTERM'),
    async kill() {
      await end(child, 'SIGKILL')
    },
  }
}

async function untilReady(child: ChildProcess, url: string, output: () => string): Promise<void> {
  const until = Date.now() + READY_TIMEOUT_MS
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${output()}`)
    const isAnswering = await fetch(`${url}/healthz`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isAnswering) return
    if (Date.now() > until) throw new Error(`the server did not become ready:\n${output()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode)
    child.once('exit', (code) => resolve(code))
    child.kill(signal)
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
