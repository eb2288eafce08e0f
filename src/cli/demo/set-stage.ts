/**
 * Starts the simulated GitHub and a Slipway of its own, each a process, below `DATA_DIR/demo`. What is started is written
 * down in `stage.json`, so that a demo that was killed leaves nothing that the next one does not clear away.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { secretOf } from '../../core/secret.ts'
import type { Settings } from '../../config/settings.ts'
import { createControlClient, type ControlClient } from '../../simulate/index.ts'
import { createClient, type SlipwayClient } from '../client.ts'
import { startChild, type Child } from './child-process.ts'
import { freePort } from './free-port.ts'
import { serverFile } from './server-file.ts'

/** The first start makes a database; on a small busy machine that takes its time. */
const READY_WITHIN_MS = 60_000
const ASK_EVERY_MS = 100
const SLIPWAY_PROGRAM = fileURLToPath(new URL('../../main.ts', import.meta.url))
const GITHUB_PROGRAM = fileURLToPath(new URL('../../simulate/main.ts', import.meta.url))

/** Removes everything on the Docker host that carries the installation's label. */
export type ClearDocker = (instanceId: string) => Promise<void>

export interface SetStage {
  readonly github: ControlClient
  readonly slipway: SlipwayClient
  readonly adminToken: string
  readonly proxyPort: number
  readonly folder: string
  readonly logFile: string
  /** Rejects when one of the programs ends by itself. */
  readonly broken: Promise<never>
  /** Ends what was started and removes what it made. */
  strike(): Promise<void>
}

export async function setStage(settings: Settings, clearDocker: ClearDocker): Promise<SetStage> {
  const folder = join(settings.dataDir, 'demo')
  await clearLeftovers(folder, clearDocker)
  await mkdir(folder, { recursive: true })
  const started: Child[] = []
  let instanceId: string | null = null
  const strike = async (): Promise<void> => {
    for (const child of started.toReversed()) await child.stop()
    if (instanceId !== null) await clearDocker(instanceId)
    await rm(join(folder, 'stage.json'), { force: true })
  }
  try {
    const port = await freePort(settings.port)
    const proxyPort = await freePort()
    const url = `http://localhost:${port}`
    const simulated = startChild({
      program: GITHUB_PROGRAM,
      args: ['--data', join(folder, 'github'), '--webhook-url', `${url}/api/github/webhooks`],
      env: { PATH: process.env['PATH'], HOME: folder },
      logFile: join(folder, 'github.log'),
    })
    started.push(simulated)
    const told = toldByGitHub.parse(JSON.parse(await simulated.firstLine))

    const adminToken = randomBytes(24).toString('base64url')
    const logFile = join(folder, 'slipway.log')
    await writeFile(join(folder, 'server.yml'), serverFile(settings.dockerHost, proxyPort))
    const server = startChild({
      program: SLIPWAY_PROGRAM,
      env: environment({ settings, folder, port, url, adminToken, told }),
      logFile,
    })
    started.push(server)
    const slipway = createClient({ url, token: secretOf(adminToken) })
    const broken = Promise.race([simulated.ended, server.ended])
    broken.catch(() => undefined)
    await Promise.race([untilReady(slipway), broken])
    instanceId = (await slipway.get('/api/v1/server', z.object({ instance_id: z.string() }))).instance_id
    await writeFile(join(folder, 'stage.json'), JSON.stringify({ pids: started.map(({ pid }) => pid), instanceId }))
    const github = createControlClient({ url: told.url, controlToken: told.controlToken })
    return { github, slipway, adminToken, proxyPort, folder, logFile, broken, strike }
  } catch (error) {
    await strike()
    throw error
  }
}

const toldByGitHub = z.object({
  url: z.string(),
  appId: z.number(),
  webhookSecret: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  controlToken: z.string(),
  privateKeyPath: z.string(),
})

interface EnvironmentParts {
  readonly settings: Settings
  readonly folder: string
  readonly port: number
  readonly url: string
  readonly adminToken: string
  readonly told: z.output<typeof toldByGitHub>
}

/** Nothing of the caller's environment but what finds programs and Docker: a real App's credentials stay out of a demo. */
function environment({ settings, folder, port, url, adminToken, told }: EnvironmentParts): NodeJS.ProcessEnv {
  const docker = process.env['DOCKER_HOST']
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    PORT: String(port),
    BASE_URL: url,
    DATA_DIR: folder,
    // An unset SERVER_CONFIG would find the server.yml of the current directory.
    SERVER_CONFIG: join(folder, 'server.yml'),
    ADMIN_TOKEN: adminToken,
    LOG_LEVEL: settings.logLevel,
    PUBLIC_RUNS: 'true',
    GHE_HOST: new URL(told.url).host,
    GHE_PROTOCOL: 'http',
    APP_ID: String(told.appId),
    PRIVATE_KEY_PATH: told.privateKeyPath,
    WEBHOOK_SECRET: told.webhookSecret,
    GITHUB_CLIENT_ID: told.clientId,
    GITHUB_CLIENT_SECRET: told.clientSecret,
    ...(docker === undefined ? {} : { DOCKER_HOST: docker }),
  }
}

async function untilReady(slipway: SlipwayClient): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS
  for (;;) {
    const refusal = await slipway.request('/readyz').then(
      () => null,
      (error: unknown) => error,
    )
    if (refusal === null) return
    if (Date.now() > until) throw refusal
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
  }
}

const stageFile = z.object({ pids: z.array(z.number()), instanceId: z.string() })

/** What a demo that was killed has left behind. */
async function clearLeftovers(folder: string, clearDocker: ClearDocker): Promise<void> {
  const text = await readFile(join(folder, 'stage.json'), 'utf8').catch(() => null)
  if (text !== null) {
    const { pids, instanceId } = stageFile.parse(JSON.parse(text))
    for (const pid of pids) if (await isOurs(pid)) process.kill(pid, 'SIGKILL')
    await clearDocker(instanceId)
  }
  await rm(folder, { recursive: true, force: true })
}

/** The number may belong to another program by now. */
async function isOurs(pid: number): Promise<boolean> {
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return words.includes(SLIPWAY_PROGRAM) || words.includes(GITHUB_PROGRAM)
}
