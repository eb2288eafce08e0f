/**
 * Takes over the work of dead processes. Death is certain when the pid is gone on this very machine; otherwise it is
 * assumed after a stale heartbeat, and only by a process that itself has seen the database for a whole lease.
 */
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { JobHandlers, ProcessStore } from './ports.ts'
import { MAX_DEATHS } from '../core/retry.ts'

export interface ReaperOptions {
  readonly self: { readonly id: string; readonly machine: string }
  readonly store: ProcessStore
  readonly handlers: JobHandlers
  /** True when this process has written heartbeats for a whole lease without a gap. */
  readonly isSteady: () => boolean
  readonly staleMs: number
  readonly isPidAlive: (pid: number) => boolean
  readonly logger: Logger
}

export async function reapDeadProcesses(options: ReaperOptions): Promise<void> {
  const neighbours = await options.store.onMachine(options.self.machine)
  const dead = neighbours
    .filter(({ id, pid }) => id !== options.self.id && !options.isPidAlive(pid))
    .map(({ id }) => id)
  const orphans = await options.store.reap(dead, options.isSteady() ? options.staleMs : null, MAX_DEATHS)
  for (const orphan of orphans) {
    options.logger.warn(orphan, 'took over a job whose process ended')
    if (!orphan.parked) continue
    await tellParked(options, orphan)
  }
}

/** One that cannot be told must not keep the others from it. */
async function tellParked(
  options: ReaperOptions,
  orphan: { readonly kind: string; readonly payload: unknown },
): Promise<void> {
  const payload = isRecord(orphan.payload) ? orphan.payload : {}
  try {
    await options.handlers[orphan.kind]?.onParked?.(payload, 'three processes ended while they worked on it')
  } catch (error) {
    options.logger.error({ kind: orphan.kind, err: errorMessage(error) }, 'nobody was told that a job was given up')
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
