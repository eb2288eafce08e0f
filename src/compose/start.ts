/**
 * Brings the parts of one process together, starts them in the order of their needs, and stops them in the opposite
 * one. Reads from top to bottom like the life of the process.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import { pino } from 'pino'
import type { NewDelivery } from '../app/ports.ts'
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Settings } from '../config/settings.ts'
import type { FlowDeps } from '../flow/deps.ts'
import { handleEvent } from '../flow/handle-event.ts'
import { errorResponse, notFound } from '../http/error-response.ts'
import { startHttpServer, type HttpServer, type HttpServerOptions } from '../http/server.ts'
import { startWorker } from '../queue/worker.ts'
import { startTicker } from '../queue/ticker.ts'
import { reapDeadProcesses } from '../queue/reaper.ts'
import { createDeliveryStore, DELIVERY_JOB } from '../store/deliveries.ts'
import { HEARTBEAT_STALE_MS, startHeartbeat } from '../store/heartbeat.ts'
import { JOBS_CHANNEL } from '../store/jobs.ts'
import { createProcessStore } from '../store/processes.ts'
import { REPORT_JOB } from '../store/reports.ts'
import { createChores } from './chores.ts'
import { createFeatures } from './features.ts'
import { createFlowDeps } from './flow-deps.ts'
import { createFoundation } from './foundation.ts'
import { createHealth } from './health.ts'
import { openStore } from './open-store.ts'
import { createOperations } from './operations.ts'
import { createReportHandler } from './reports.ts'
import { isPidAlive } from './this-process.ts'
import { createWebhooks, type Webhooks } from './webhooks.ts'
import { watchSmee } from './smee.ts'

export interface Slipway {
  readonly logger: Logger
  /** 0 behind another server. */
  readonly port: number
  /** Everything but webhooks and WebSockets, for a server that is not ours. */
  readonly fetch: (request: Request) => Response | Promise<Response>
  /** Stores a delivery that somebody else received and verified. */
  receive(delivery: NewDelivery): Promise<void>
  /** Stops taking work, finishes or hands over within `graceMs`, closes streams and connections. */
  stop(graceMs: number): Promise<void>
}

/** How many of each kind of work this process does at once; Docker hosts have limits of their own on top. */
const CONCURRENCY = { deliveries: 8, reports: 8, runs: 32, chores: 4 }
/** Dead processes are looked for this often; with the lease of 12 s a take-over takes less than 20 s. */
const REAP_INTERVAL_MS = 3_000
/** Open streams get this long to notice that the process ends. */
const HTTP_GRACE_MS = 2_000

/** @param isListening false: another server (Probot's) has the port, and hands over what comes in */
export async function startSlipway(settings: Settings, isListening = true): Promise<Slipway> {
  const logger: Logger = pino({ level: settings.logLevel, base: null })
  const store = await openStore(settings, logger)
  // A start that is refused leaves no embedded database behind.
  const giveUp = async (error: unknown): Promise<never> => {
    await store.close()
    throw error
  }
  const base = await createFoundation(settings, store, logger).catch(giveUp)
  const processes = createProcessStore(base.db)
  await processes.register(base.self)
  const heartbeat = startHeartbeat(base.self, base.address, base.clock, logger)
  let isStopping = false

  const deliveries = createDeliveryStore(base.db)
  const app = new OpenAPIHono()
  const joined: { flow: FlowDeps | null; webhooks: Webhooks | null } = { flow: null, webhooks: null }
  const { features, secretNamesOf } = createFeatures(base, {
    flow: () => orThrow(joined.flow),
    webhooks: () => orThrow(joined.webhooks),
    routes: () => app,
  })
  const flow = createFlowDeps(base, features, secretNamesOf)
  joined.flow = flow
  const stored = await base.credentials.load()
  const webhooks = createWebhooks(base, deliveries, stored?.webhookSecret ?? null, (event) => handleEvent(flow, event))
  joined.webhooks = webhooks

  const runHandlers = Object.assign({}, ...features.map((feature) => feature.handlers ?? {}))
  const { chores, handlers: choreHandlers } = createChores(base, deliveries, flow, features)
  const handlers = {
    ...runHandlers,
    ...choreHandlers,
    [DELIVERY_JOB]: webhooks.handler,
    [REPORT_JOB]: createReportHandler(base, features),
  }

  for (const feature of features) await feature.applyConfig?.(base.serverConfig())
  for (const feature of features) await feature.start?.()
  const isSteady = (): boolean => heartbeat.isSteady()
  const reap = () =>
    reapDeadProcesses({
      self: base.self,
      store: processes,
      handlers,
      isSteady,
      staleMs: HEARTBEAT_STALE_MS,
      isPidAlive,
      logger,
    })
  await reap()

  app.onError((error, context) => errorResponse(context, error, logger))
  app.notFound(notFound)
  app.route(
    '/',
    createHealth(base, () => isStopping),
  )
  app.route('/', createOperations(base, flow, features))
  for (const routes of features.flatMap((feature) => feature.routes ?? [])) app.route('/', routes)
  const http: HttpServerOptions = {
    webhookPath: settings.webhookPath,
    onWebhook: webhooks.ingest,
    fetch: (request, env) => app.fetch(request, env),
    onUpgrade(request, socket, head) {
      if (!features.some((feature) => feature.onUpgrade?.(request, socket, head) === true)) socket.destroy()
    },
  }
  const listen = (): Promise<HttpServer> =>
    startHttpServer(http, settings.port, settings.host).catch(async (error: unknown) => {
      await base.notifications.stop()
      await heartbeat.stop()
      return giveUp(error)
    })
  const server = isListening ? await listen() : null

  const worker = startWorker({
    processId: base.self.id,
    store: base.jobs,
    handlers,
    lanes: [
      { name: 'deliveries', kinds: [DELIVERY_JOB], concurrency: CONCURRENCY.deliveries },
      { name: 'reports', kinds: [REPORT_JOB], concurrency: CONCURRENCY.reports },
      // A dry run plans and keeps its runs in the queue: they begin when the server is started in earnest.
      ...(settings.confirm === 'harmless'
        ? []
        : [{ name: 'runs', kinds: Object.keys(runHandlers), concurrency: CONCURRENCY.runs }]),
      { name: 'chores', kinds: Object.keys(choreHandlers), concurrency: CONCURRENCY.chores },
    ],
    subscribe: (wake) => base.notifications.subscribe(JOBS_CHANNEL, wake),
    clock: base.clock,
    random: base.random,
    logger,
  })
  const ticker = startTicker([{ name: 'reap', everyMs: REAP_INTERVAL_MS, run: reap }, ...chores], logger)
  const smee = await watchSmee(settings, logger)
  logger.info({ url: settings.baseUrl, port: server?.port }, 'Slipway is ready')

  return {
    logger,
    port: server?.port ?? 0,
    fetch: (request) => app.fetch(request),
    async receive(delivery) {
      await deliveries.store(delivery)
    },
    async stop(graceMs) {
      isStopping = true
      // Each step on its own: a database that is away must not keep the rest from being stopped.
      const step = async (stop: () => Promise<unknown> | undefined): Promise<void> => {
        try {
          await stop()
        } catch (error) {
          logger.warn({ err: errorMessage(error) }, 'a part could not be stopped cleanly')
        }
      }
      await step(() => processes.markStopping(base.self.id))
      await step(() => smee?.stop())
      await step(() => ticker.stop())
      // Heartbeats go on until the last job has ended or was handed over.
      await step(() => worker.stop(graceMs))
      await step(() => server?.stop(HTTP_GRACE_MS))
      for (const feature of features.toReversed()) await step(() => feature.stop?.())
      await step(() => base.notifications.stop())
      await step(() => heartbeat.stop())
      await step(() => processes.unregister(base.self.id))
      base.hosts.close()
      await step(() => base.close())
    },
  }
}

/** Features ask for the flow when something happens, and nothing happens before all parts are joined. */
function orThrow<Part>(part: Part | null): Part {
  if (part === null) throw new Error('asked for a part before all were joined')
  return part
}
