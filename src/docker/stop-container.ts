import { setTimeout as delay } from 'node:timers/promises'
import type { DockerEngine } from './engine.ts'
import { segment } from './engine.ts'
import { engineFailure, unlessMissing } from './engine-error.ts'
import { inspectContainer } from './container-state.ts'

export type StopResult =
  /** The Engine knows no such container any more. */
  { readonly kind: 'gone' } | { readonly kind: 'still_there'; readonly reason: string }

/** A process has this long between SIGTERM and SIGKILL. */
export const STOP_GRACE_MS = 10_000
/** The Engine is given this much more for the kill itself. */
const STOP_MARGIN_MS = 15_000
const PROOF_ATTEMPTS = 20
const PROOF_INTERVAL_MS = 250

/**
 * Ends a container with everything in it and removes it and its anonymous volumes. `gone` is only answered after the
 * Engine said that it does not know the container, so that nobody reads "cancelled" while something still runs.
 */
export async function stopContainer(engine: DockerEngine, id: string, graceMs = STOP_GRACE_MS): Promise<StopResult> {
  try {
    await unlessMissing(engine.call(stopRequest(id, graceMs), { timeoutMs: graceMs + STOP_MARGIN_MS }))
  } catch (thrown) {
    // A container that cannot be stopped politely is removed by force below.
    engineFailure(thrown)
  }
  return removeContainer(engine, id)
}

/** Sends SIGTERM and, after the grace, SIGKILL; the container stays for its logs and exit code. */
export async function endProcess(engine: DockerEngine, id: string, graceMs = STOP_GRACE_MS): Promise<void> {
  await unlessMissing(engine.call(stopRequest(id, graceMs), { timeoutMs: graceMs + STOP_MARGIN_MS }))
}

/** Removes a container whether it runs or not, and proves it. */
export async function removeContainer(engine: DockerEngine, id: string): Promise<StopResult> {
  let reason = ''
  for (let attempt = 0; attempt < PROOF_ATTEMPTS; attempt += 1) {
    try {
      await unlessMissing(
        engine.call({ method: 'DELETE', path: `/containers/${segment(id)}`, query: { force: true, v: true } }),
      )
      if ((await inspectContainer(engine, id)) === undefined) return { kind: 'gone' }
      reason = 'it is still being removed'
    } catch (thrown) {
      const failure = engineFailure(thrown)
      reason = failure.message
      if (failure.kind === 'unreachable') return { kind: 'still_there', reason }
    }
    // A removal that somebody else began answers "already in progress" until it is done.
    await delay(PROOF_INTERVAL_MS)
  }
  return { kind: 'still_there', reason }
}

export function stopRequest(id: string, graceMs: number) {
  return { method: 'POST', path: `/containers/${segment(id)}/stop`, query: { t: Math.ceil(graceMs / 1000) } } as const
}
