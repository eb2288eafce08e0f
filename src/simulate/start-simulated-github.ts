/** Starts the simulated GitHub in this process. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Permissions } from './world/identities.ts'
import { createWorld } from './world/create-world.ts'
import { serveRequest } from './serve-request.ts'

export interface SimulatedGitHubOptions {
  /** 0, the default: any free port. */
  readonly port?: number
  readonly host?: string
  /** Bare repositories go below it; absent: a temporary folder that is removed on close. */
  readonly dataDirectory?: string
  /** Where the app receives webhooks; may be set later, none are kept until then. */
  readonly webhookUrl?: string
  readonly webhookSecret?: string
  readonly permissions?: Permissions
  readonly events?: readonly string[]
  readonly now?: () => Date
}

export interface SimulatedGitHub {
  /** `http://127.0.0.1:PORT`; the REST API is at `/api/v3` and, as on github.com's own API host, at `/`. */
  readonly url: string
  readonly apiUrl: string
  readonly appId: number
  readonly privateKey: string
  readonly webhookSecret: string
  readonly clientId: string
  readonly clientSecret: string
  readonly controlToken: string
  /** Ends deliveries under way, closes every connection and removes the temporary folder. */
  readonly close: () => Promise<void>
}

/** Longer than clients keep idle connections: one closed under a request would look like a fault. Milliseconds. */
const keepAliveTimeout = 120_000

export async function startSimulatedGitHub(options: SimulatedGitHubOptions = {}): Promise<SimulatedGitHub> {
  const host = options.host ?? '127.0.0.1'
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'simulated-github-')))
  const repositories = join(dataDirectory, 'repositories')
  // The world is in memory: repositories of an earlier process belong to nobody.
  await rm(repositories, { recursive: true, force: true })
  await mkdir(repositories, { recursive: true })
  const server = createServer({ keepAliveTimeout })
  const origin = `http://${host}:${await listen(server, options.port ?? 0, host)}`
  const { webhookUrl, webhookSecret, permissions, events } = options
  const world = createWorld({
    origin,
    dataDirectory,
    webhookUrl,
    webhookSecret,
    permissions,
    events,
    now: options.now ?? (() => new Date()),
  })
  server.on('request', (request, response) => void serveRequest(world, request, response))
  const { app } = world
  return {
    url: origin,
    apiUrl: `${origin}/api/v3`,
    appId: app.id,
    privateKey: app.privateKey,
    webhookSecret: app.webhookSecret,
    clientId: app.clientId,
    clientSecret: app.clientSecret,
    controlToken: world.controlToken,
    close: async () => {
      world.closing.abort()
      await Promise.all(world.sending)
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
      // git may still write for a moment after its request was cut.
      const made = options.dataDirectory === undefined ? dataDirectory : repositories
      await rm(made, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the simulated GitHub got no port'))
      else resolve(address.port)
    })
  })
}
