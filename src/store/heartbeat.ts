/**
 * Keeps this process's row in `processes` fresh and knows for how long that has worked without a gap. Whoever reaps
 * others must have seen the database for a whole lease itself: after an outage everybody's heartbeat is old, and
 * that silence is nobody's death.
 */
import { Worker } from 'node:worker_threads'
import type pg from 'pg'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { clientConfig, type DatabaseAddress } from './database.ts'

/** How often a process says that it lives. */
export const HEARTBEAT_INTERVAL_MS = 2_000
/** A beat that the database does not answer by then is given up: waiting longer would cost the ones after it. */
const BEAT_TIMEOUT_MS = 4_000
/** A heartbeat older than this means the process is gone: six missed beats, so one slow disk is not a death. */
export const HEARTBEAT_STALE_MS = 12_000

export interface HeartbeatInput {
  readonly processId: string
  readonly machine: string
  readonly pid: number
  readonly intervalMs: number
  readonly connection: pg.ClientConfig
}

export interface Heartbeat {
  /** True once beats arrived without a gap for a whole lease. */
  isSteady(): boolean
  stop(): Promise<void>
}

export function startHeartbeat(
  self: { readonly id: string; readonly machine: string; readonly pid: number },
  address: DatabaseAddress,
  clock: Clock,
  logger: Logger,
): Heartbeat {
  const input: HeartbeatInput = {
    processId: self.id,
    machine: self.machine,
    pid: self.pid,
    intervalMs: HEARTBEAT_INTERVAL_MS,
    connection: { ...clientConfig(address), query_timeout: BEAT_TIMEOUT_MS },
  }
  let steadySince: number | null = null
  let lastBeatAt = 0
  let isStopped = false
  let worker = startThread()

  function startThread(): Worker {
    const thread = new Worker(workerUrl(), {
      workerData: input,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    })
    thread.unref()
    thread.on('message', (message: unknown) => {
      const now = clock.monotonic()
      if (message === 'beat') {
        if (steadySince === null || now - lastBeatAt > HEARTBEAT_STALE_MS) steadySince = now
        lastBeatAt = now
        return
      }
      steadySince = null
      logger.warn({ cause: message }, 'heartbeat could not be written')
    })
    thread.on('error', (error) => logger.error({ err: error.message }, 'the heartbeat thread failed'))
    // Without heartbeats others take our work over, so a thread that dies is replaced.
    thread.on('exit', () => {
      steadySince = null
      if (!isStopped) setTimeout(() => (worker = isStopped ? worker : startThread()), HEARTBEAT_INTERVAL_MS).unref()
    })
    return thread
  }

  return {
    isSteady: () => {
      const now = clock.monotonic()
      return steadySince !== null && now - lastBeatAt < HEARTBEAT_STALE_MS && now - steadySince >= HEARTBEAT_STALE_MS
    },
    async stop() {
      isStopped = true
      worker.postMessage('stop')
      await worker.terminate()
    },
  }
}

function workerUrl(): URL {
  // From source the thread needs a loader that plain Node can start it with.
  const fromSource = import.meta.url.endsWith('.ts')
  return new URL(fromSource ? './heartbeat-worker-from-source.mjs' : './heartbeat-worker.js', import.meta.url)
}
