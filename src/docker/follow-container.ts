/**
 * Following a started container to its end.
 *
 * Wait and output run side by side; the exit code is read from inspect, which also knows about memory. When a connection
 * breaks or the Engine is restarted, the loop waits for the host, asks what became of the container, and goes on with
 * the log at the byte where it stood.
 */
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { followLog } from './container-logs.ts'
import type { LogReading } from './container-logs.ts'
import { inspectContainer } from './container-state.ts'
import type { ContainerState } from './container-state.ts'
import { engineFailure } from './engine-error.ts'
import { segment } from './engine.ts'
import type { DockerEngine } from './engine.ts'
import { pingHost } from './host-info.ts'
import { endProcess } from './stop-container.ts'

export type ContainerEnd =
  | {
      readonly kind: 'exited'
      readonly exitCode: number
      /** True also when only a child was killed for memory and the exit code is 0. */
      readonly oomKilled: boolean
      readonly startedAt: string
      readonly finishedAt: string
      readonly logsExact: boolean
      /** The host did not answer for a while; a kill in that time may be its doing. */
      readonly hostWasAway: boolean
    }
  /** The command could not be started: no such program, not executable. */
  | { readonly kind: 'start_failed'; readonly message: string }
  /** The caller's signal fired; the processes have been ended, the container is still there to be removed. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'infrastructure'; readonly message: string }

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined
  /** Between SIGTERM and SIGKILL when the signal fires. */
  readonly graceMs?: number
  /** How long an absent host is waited for. */
  readonly hostAwayLimitMs?: number
}

/** A restart of the Engine takes seconds, one of the machine a few minutes. */
const HOST_AWAY_LIMIT_MS = 5 * 60_000
const HOST_AWAY_POLL_MS = 500
/** After the exit the output ends by itself; longer than this something holds the connection open. */
const DRAIN_LIMIT_MS = 5_000
/** Output normally ends a moment before the exit is known; a longer silence means that the connection broke. */
const EXIT_FOLLOWS_OUTPUT_MS = 500

/** What is known of the container so far. */
export interface Course {
  readonly reading: LogReading
  readonly hostWasAway: boolean
}

export interface OpenOutput {
  readonly output: Readable
  readonly drained: Promise<void>
}

export async function followToEnd(
  engine: DockerEngine,
  id: string,
  { reading, hostWasAway: wasAway }: Course,
  first: OpenOutput | undefined,
  options: FollowOptions,
): Promise<ContainerEnd> {
  let hostWasAway = wasAway
  let open = first
  const stop = endOnSignal(engine, id, options)
  try {
    for (;;) {
      try {
        open ??= await openLog(engine, id, reading)
        const state = await untilExit(engine, id, open, reading)
        if (state === undefined) return { kind: 'infrastructure', message: 'the container was removed while it ran' }
        if (options.signal?.aborted === true) return { kind: 'cancelled' }
        return startFailure(state, reading) ?? exited(state, reading, hostWasAway)
      } catch (thrown) {
        if (engineFailure(thrown).kind !== 'unreachable') throw thrown
        open?.output.destroy()
        open = undefined
        hostWasAway = true
        await untilHostAnswers(engine, options)
      }
    }
  } finally {
    open?.output.destroy()
    await stop()
  }
}

/** Resolves with the final state; undefined when the container was removed. Throws when the host goes away. */
async function untilExit(
  engine: DockerEngine,
  id: string,
  first: OpenOutput,
  reading: LogReading,
): Promise<ContainerState | undefined> {
  const giveUpWaiting = new AbortController()
  let known = false
  const exit = engine
    .call({ method: 'POST', path: `/containers/${segment(id)}/wait` }, { timeoutMs: 0, signal: giveUpWaiting.signal })
    .then(
      () => undefined,
      (thrown: unknown) =>
        ['not_found', 'cancelled'].includes(engineFailure(thrown).kind) ? undefined : Promise.reject(thrown),
    )
    .finally(() => {
      known = true
    })
  exit.catch(() => undefined)
  let open = first
  try {
    for (;;) {
      await Promise.race([open.drained, exit.then(() => settledWithin(open.drained, DRAIN_LIMIT_MS))])
      await settledWithin(exit, EXIT_FOLLOWS_OUTPUT_MS)
      if (known) {
        await exit
        return await inspectContainer(engine, id)
      }
      const state = await inspectContainer(engine, id)
      if (state?.running !== true) return state
      // The output broke off and the container runs on.
      open.output.destroy()
      open = await openLog(engine, id, reading)
    }
  } finally {
    open.output.destroy()
    giveUpWaiting.abort()
  }
}

async function openLog(engine: DockerEngine, id: string, reading: LogReading): Promise<OpenOutput> {
  const position = reading.position()
  const output = await followLog(engine, id, position)
  return { output, drained: reading.drain(output, position) }
}

/**
 * Where an init process runs first, the Engine starts that one without trouble; it then reports in its own words, on
 * the container's stderr and with the shell's exit codes, that the command cannot be executed.
 */
function startFailure(state: ContainerState, reading: LogReading): ContainerEnd | undefined {
  if (state.exitCode !== NOT_EXECUTABLE && state.exitCode !== NOT_FOUND) return undefined
  const report = /\[FATAL tini \(\d+\)\] (exec .+ failed: .+)/.exec(reading.lastError())
  return report?.[1] === undefined ? undefined : { kind: 'start_failed', message: report[1] }
}

const NOT_EXECUTABLE = 126
const NOT_FOUND = 127

function exited(state: ContainerState, reading: LogReading, hostWasAway: boolean): ContainerEnd {
  return {
    kind: 'exited',
    exitCode: state.exitCode,
    oomKilled: state.oomKilled,
    startedAt: state.startedAt,
    finishedAt: state.finishedAt,
    logsExact: reading.exact(),
    hostWasAway,
  }
}

/** Ends the container's processes when the caller's signal fires; the wait then returns by the usual way. */
function endOnSignal(engine: DockerEngine, id: string, options: FollowOptions): () => Promise<void> {
  let ending: Promise<void> = Promise.resolve()
  const onAbort = (): void => {
    // A host that is away cannot be asked now; the loop meets that itself, and the caller removes the container by force.
    ending = endProcess(engine, id, options.graceMs).catch((thrown: unknown) => void engineFailure(thrown))
  }
  if (options.signal?.aborted === true) onAbort()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  return () => {
    options.signal?.removeEventListener('abort', onAbort)
    return ending
  }
}

export async function untilHostAnswers(engine: DockerEngine, options: FollowOptions): Promise<void> {
  const limit = performance.now() + (options.hostAwayLimitMs ?? HOST_AWAY_LIMIT_MS)
  for (;;) {
    try {
      return await pingHost(engine)
    } catch (thrown) {
      if (performance.now() > limit || options.signal?.aborted === true) throw thrown
    }
    await delay(HOST_AWAY_POLL_MS)
  }
}

async function settledWithin(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const timer = new AbortController()
  const settled = work.then(
    () => undefined,
    () => undefined,
  )
  await Promise.race([settled, delay(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined)])
  timer.abort()
}
