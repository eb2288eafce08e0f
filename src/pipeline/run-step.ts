/**
 * One step: its container from creation, or from wherever an earlier process left it, to its end. The container's name
 * is the step's identity: one that exists is taken over, one that should exist and does not is our failure and never
 * silently run a second time.
 */
import type { StepConfig } from '../config/repository-config.ts'
import { formatByteSize } from '../core/byte-size.ts'
import { formatDuration } from '../core/duration.ts'
import { SlipwayError } from '../core/errors.ts'
import type { LogSource } from '../core/run-log.ts'
import type { StepReport } from '../core/stage-report.ts'
import type { ContainerNetwork, ContainerOutcome, FoundContainer, StageContainer } from './ports.ts'
import { VOLUME_PATH } from './ports.ts'
import { logName, objectName, type StageContext } from './stage-context.ts'
import { stepEnv } from './step-env.ts'
import { scriptPath } from './step-script.ts'

/** Between TERM and KILL when a step is cancelled or out of time. */
export const STOP_GRACE_MS = 10_000

export type PreparedStep =
  | { readonly kind: 'ready'; readonly found: FoundContainer }
  | { readonly kind: 'trouble'; readonly cause: 'exit' | 'infra'; readonly message: string }

export function stepContainer(context: StageContext, index: number, network: ContainerNetwork): StageContainer {
  const { identity, plan } = context
  const step = stepOf(context, index)
  return {
    name: objectName(identity.runId, context.state.attempt().number, `step-${index + 1}`),
    run: identity.runId,
    step: step.name,
    image: step.image,
    entrypoint: ['/bin/sh', `${VOLUME_PATH}/${scriptPath(index)}`],
    command: [],
    env: stepEnv({ ...context, step }),
    volume: objectName(identity.runId, context.state.attempt().number),
    network,
    resources: plan.config.resources,
    mayOwnFiles: false,
  }
}

/** Makes the step's container, or finds it. */
export async function prepareStep(
  context: StageContext,
  index: number,
  network: ContainerNetwork,
): Promise<PreparedStep> {
  const container = stepContainer(context, index, network)
  const wasStarted = context.state.attempt().steps[index]?.state === 'running'
  if (wasStarted && (await context.host.findContainer(container.name)) === null) {
    return { kind: 'trouble', cause: 'infra', message: `the container of ${container.step} is gone` }
  }
  const created = await context.host.createContainer(container)
  if (created.kind === 'ready') return created
  const cause = created.kind === 'missing_image' ? 'exit' : 'infra'
  return { kind: 'trouble', cause, message: created.message }
}

/** Runs a prepared step to its end and notes the result. `stageLimit` fires when the stage's own time is over. */
export async function runStep(
  context: StageContext,
  index: number,
  found: FoundContainer,
  stageLimit: AbortSignal,
): Promise<void> {
  const step = stepOf(context, index)
  const startedAt = context.state.attempt().steps[index]?.startedAt ?? context.clock.now()
  const elapsed = found.state === 'created' ? 0 : context.clock.now() - startedAt
  const limit = stepLimit(step, elapsed)
  try {
    const outcome = await follow(context, step, found, AbortSignal.any([context.signal, stageLimit, limit.signal]))
    const durationMs = Math.max(0, context.clock.now() - startedAt)
    const result = judge(context, step, outcome, { stage: stageLimit.aborted, step: limit.signal.aborted })
    context.state.changeStep(index, { startedAt, durationMs, ...result })
    if (result.cause !== null)
      await context.log.note(`${step.name}: ${result.cause}`, logName(step.name, context.state.attempt().number))
  } finally {
    limit.clear()
  }
}

async function follow(
  context: StageContext,
  step: StepConfig,
  found: FoundContainer,
  signal: AbortSignal,
): Promise<ContainerOutcome> {
  const { host, log } = context
  const name = logName(step.name, context.state.attempt().number)
  const sources = { stdout: { step: name, out: 'out' }, stderr: { step: name, out: 'err' } } as const satisfies Record<
    string,
    LogSource
  >
  let isLost = false
  const lost = lostSignal(context)
  // When another process goes on with the stage, the container must live: only our following of it ends.
  const stop = new AbortController()
  const onAbort = (): void => {
    if (context.interruption()?.kind !== 'lost') stop.abort(signal.reason)
  }
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  const sink = (output: { readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer }): void => {
    if (!isLost) void log.write(sources[output.stream], output.bytes)
  }
  const options = { sink, signal: stop.signal, graceMs: STOP_GRACE_MS }
  const end =
    found.state === 'created'
      ? host.start(found.id, options)
      : host.adopt(found.id, { stdout: log.resumeAt(sources.stdout), stderr: log.resumeAt(sources.stderr) }, options)
  end.catch(() => undefined)
  try {
    const outcome = await Promise.race([end, lost.promise])
    await Promise.all([log.end(sources.stdout), log.end(sources.stderr)])
    return outcome
  } catch (error) {
    isLost = true
    throw error
  } finally {
    lost.clear()
    signal.removeEventListener('abort', onAbort)
  }
}

type StepResult = Pick<StepReport, 'state' | 'exitCode' | 'cause' | 'warning'>

function judge(
  context: StageContext,
  step: StepConfig,
  outcome: ContainerOutcome,
  limits: { readonly stage: boolean; readonly step: boolean },
): StepResult {
  const { config } = context.plan
  const memory = formatByteSize(config.resources.memoryBytes)
  switch (outcome.kind) {
    case 'exited': {
      const { exitCode, oomKilled } = outcome
      if (config.successExit.includes(exitCode)) {
        const warning = oomKilled
          ? `a process was killed at the memory limit of ${memory}, and the step passed all the same`
          : null
        return { state: 'passed', exitCode, cause: null, warning }
      }
      const cause = oomKilled ? `out of memory: the limit is ${memory}` : `exit code ${exitCode}`
      return failed(step, { state: oomKilled ? 'out_of_memory' : 'failed', exitCode, cause, warning: null })
    }
    case 'start_failed':
      return failed(step, {
        state: 'failed',
        exitCode: null,
        cause: `it could not be started: ${outcome.message}`,
        warning: null,
      })
    case 'ended': {
      if (context.interruption()?.kind === 'cancelled')
        return { state: 'cancelled', exitCode: null, cause: 'cancelled', warning: null }
      const isStep = limits.step && !limits.stage
      const limit = formatDuration(isStep ? (step.timeoutMs ?? 0) : config.timeoutMs)
      const cause = `the time limit of the ${isStep ? 'step' : 'stage'} (${limit}) was reached`
      return isStep
        ? failed(step, { state: 'timed_out', exitCode: null, cause, warning: null })
        : { state: 'timed_out', exitCode: null, cause, warning: null }
    }
    case 'infrastructure':
      return { state: 'infrastructure', exitCode: null, cause: outcome.message, warning: null }
  }
}

function failed(step: StepConfig, result: StepResult): StepResult {
  return step.failure === 'ignore'
    ? { ...result, state: 'ignored', warning: `${result.cause ?? 'it failed'}, which the file ignores` }
    : result
}

function stepLimit(step: StepConfig, elapsedMs: number): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  if (step.timeoutMs === null) return { signal: controller.signal, clear: () => undefined }
  const timer = setTimeout(() => controller.abort(), Math.max(0, step.timeoutMs - elapsedMs))
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

function lostSignal(context: StageContext): { readonly promise: Promise<never>; clear(): void } {
  let clear = (): void => undefined
  const promise = new Promise<never>((_resolve, reject) => {
    const look = (): void => {
      if (context.interruption()?.kind === 'lost')
        reject(new SlipwayError('lease_lost', 'the stage goes on in another process'))
    }
    clear = () => context.signal.removeEventListener('abort', look)
    if (context.signal.aborted) look()
    context.signal.addEventListener('abort', look, { once: true })
  })
  promise.catch(() => undefined)
  return { promise, clear: () => clear() }
}

export function stepOf(context: StageContext, index: number): StepConfig {
  const step = context.plan.config.steps[index]
  if (step === undefined) throw new RangeError(`the stage has no step ${index + 1}`)
  return step
}
