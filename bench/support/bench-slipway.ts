/** A built Slipway for a group of figures: its processes, its database and its GitHub, all apart from the one that measures. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '../../src/core/logger.ts'
import { createControlClient, type ControlClient } from '../../src/simulate/index.ts'
import { startEmbeddedPostgres } from '../../src/store/embedded/embedded-postgres.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const READY_WITHIN_MS = 60_000
export const ADMIN_TOKEN = 'token-of-the-bench'

export interface BenchSlipway {
  readonly url: string
  readonly databaseUrl: string
  readonly webhookSecret: string
  readonly github: ControlClient
  readonly folder: string
  readonly pid: () => number
  /** Kills the process and starts it again on the same database; resolves with the milliseconds until ready. */
  restart(): Promise<number>
  /** With the admin's token. */
  fetch(
    path: string,
    init?: { readonly method?: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response>
  close(): Promise<void>
}

export async function startBenchSlipway(env: Readonly<Record<string, string>> = {}): Promise<BenchSlipway> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  const database = await startEmbeddedPostgres({ dataDir: folder, logger: silentLogger })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const simulated = spawn(process.execPath, ['dist/simulate.js', '--webhook-url', `${url}/api/github/webhooks`], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const told: { url: string; appId: number; webhookSecret: string; controlToken: string; privateKeyPath: string } =
    JSON.parse(await firstLine(simulated))
  const start = () =>
    startProgram('dist/main.js', url, {
      PORT: String(port),
      HOST: '127.0.0.1',
      BASE_URL: url,
      DATA_DIR: folder,
      DATABASE_URL: database.url,
      SERVER_CONFIG: join(folder, 'server.yml'),
      ADMIN_TOKEN,
      LOG_LEVEL: 'error',
      GHE_HOST: new URL(told.url).host,
      GHE_PROTOCOL: 'http',
      APP_ID: String(told.appId),
      PRIVATE_KEY_PATH: told.privateKeyPath,
      WEBHOOK_SECRET: told.webhookSecret,
      ...env,
    })
  await writeFile(join(folder, 'server.yml'), '{}\n')
  let server = await start()
  return {
    url,
    databaseUrl: database.url,
    webhookSecret: told.webhookSecret,
    github: createControlClient(told),
    folder,
    pid: () => server.child.pid ?? 0,
    async restart() {
      await end(server.child, 'SIGTERM')
      server = await start()
      return server.readyMs
    },
    fetch: (path, init = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...init.headers } }),
    async close() {
      await end(server.child, 'SIGTERM')
      await end(simulated, 'SIGTERM')
      await database.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface Program {
  readonly child: ChildProcess
  /** From its start until it answered. */
  readonly readyMs: number
}

/** Starts a program that serves at `url`, and waits until it answers. */
export async function startProgram(file: string, url: string, env: NodeJS.ProcessEnv): Promise<Program> {
  const begun = performance.now()
  const child = spawn(process.execPath, [file], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DOCKER_HOST: process.env['DOCKER_HOST'], ...env },
  })
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`)
    const isReady = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isReady) return { child, readyMs: performance.now() - begun }
    if (performance.now() - begun > READY_WITHIN_MS) throw new Error(`${file} does not get ready`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  await gone
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

function firstLine(child: ChildProcess): Promise<string> {
  const { stdout } = child
  if (stdout === null) throw new Error('the output is needed')
  return new Promise((resolve) => createInterface(stdout).once('line', resolve))
}
