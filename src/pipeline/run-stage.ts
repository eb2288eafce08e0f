/**
 * A stage from its first container to its conclusion; the same code on the server and in `slipway run`.
 *
 * The order saves time: the first step's container is made before there is anything in the volume and is what the
 * source is unpacked through; the next step's container is made while one runs; finished containers are removed only
 * after the result has been told. It also is what survives a crash: what is known is saved before a step may start,
 * containers have names that follow from the run, and whoever comes later asks the host what became of them. A stage
 * that was cancelled is only called so once nothing of it is left on the host.
 */
import type { RetryCause } from '../config/repository-config.ts'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import { createMasker } from '../core/mask-secrets.ts'
import type { Conclusion } from '../core/run.ts'
import { EMPTY_STAGE_REPORT, type AttemptReport, type StageReport } from '../core/stage-report.ts'
import { collectArtifacts } from './collect-artifacts.ts'
import { compilerAnnotations } from './compiler-annotations.ts'
import { WORKSPACE_PATH, type FoundContainer, type StageEnd, type StagePorts } from './ports.ts'
import { prepareStep, runStep, stepOf, type PreparedStep } from './run-step.ts'
import { startServices, stageNetwork } from './run-services.ts'
import { restoreCaches, saveCaches, type RestoredCache } from './stage-caches.ts'
import { createStageState, logName, objectName, type StageContext, type StageWork } from './stage-context.ts'
import { scriptPath, stepScript } from './step-script.ts'

/** Lines of the failing step that its check run shows. */
const TAIL_LINES = 50
/** Lines of the failing step in which compilers' notes are looked for. */
const ANNOTATED_LINES = 5_000

/** Throws `lease_lost` when another process goes on with it. The caller tells the end and then calls `cleanUp`. */
export async function runStage(ports: StagePorts, work: StageWork): Promise<StageEnd> {
  const startedAt = ports.clock.monotonic()
  const secrets = [...Object.values(work.secrets), ...(work.instance === null ? [] : [work.instance.token])]
  const log = await ports.logs.open(work.identity.runId, {
    masker: createMasker(secrets),
    limitBytes: work.plan.logBytes,
  })
  try {
    const context: StageContext = {
      ...ports,
      ...work,
      log,
      state: createStageState(work.recorder.known ?? EMPTY_STAGE_REPORT),
    }
    context.state.change((report) => ({ ...report, instance: work.instance?.domain ?? null }))
    for (;;) {
      await runAttempt(context)
      assertOurs(context)
      const cause = failureCause(context)
      if (cause === null || !mayRetry(context, cause)) break
      const again = `attempt ${context.state.attempt().number} failed (${cause}); trying again`
      await log.note(again)
      // Before its containers go, or a successor would look for them.
      await context.recorder.save(context.state.report(), again)
      await removeAll(context)
    }
    const end = await conclude(context, ports.clock.monotonic() - startedAt)
    await log.seal()
    return end
  } finally {
    await log.close()
  }
}

/** Removes what the stage left on its host; what cannot be removed now is swept later. */
export async function cleanUp(ports: Pick<StagePorts, 'host'>, runId: string): Promise<readonly string[]> {
  return ports.host.removeAll(runId)
}

async function runAttempt(context: StageContext): Promise<void> {
  beginAttempt(context)
  const limit = stageLimit(context)
  const services = new AbortController()
  try {
    const trouble = await perform(context, limit.signal, services.signal)
    if (trouble !== null) changeAttempt(context, { trouble })
    if (trouble !== null) await context.log.note(trouble.message)
  } catch (error) {
    assertOurs(context)
    if (!(error instanceof SlipwayError) || error.code === 'lease_lost') throw error
    // The host or the disk, met outside of a step.
    changeAttempt(context, { trouble: { cause: 'infra', message: error.message } })
    await context.log.note(`Slipway failed: ${error.message}`)
  } finally {
    limit.clear()
    if (context.interruption()?.kind !== 'lost') services.abort()
  }
}

type Trouble = NonNullable<AttemptReport['trouble']>

async function perform(
  context: StageContext,
  stageLimit: AbortSignal,
  servicesSignal: AbortSignal,
): Promise<Trouble | null> {
  const { host, identity, plan, state } = context
  await host.ensureVolume(objectName(identity.runId, state.attempt().number), identity.runId)
  const missing = await ensureImages(context, AbortSignal.any([context.signal, stageLimit]))
  if (missing !== null) return missing
  const answer = await startServices(context, servicesSignal)
  if (answer.kind === 'trouble') return { cause: answer.cause, message: answer.message }

  const network = stageNetwork(context)
  const count = plan.config.steps.length
  const first = state.attempt().steps.findIndex((step) => step.state === 'waiting' || step.state === 'running')
  let next: Promise<PreparedStep> | null = first < 0 ? null : prepareStep(context, first, network)
  let last: FoundContainer | null =
    first < 0 ? await host.findContainer(objectName(identity.runId, state.attempt().number, `step-${count}`)) : null
  let restored: readonly RestoredCache[] = []
  for (let index = first; index >= 0 && index < count && next !== null; index += 1) {
    if (context.signal.aborted || stageLimit.aborted) break
    const prepared: PreparedStep = await next
    next = null
    if (prepared.kind === 'trouble') return { cause: prepared.cause, message: prepared.message }
    last = prepared.found
    const isUnstarted = prepared.found.state === 'created'
    if (isUnstarted) state.changeStep(index, { state: 'running', startedAt: context.clock.now() })
    const saved = isUnstarted ? context.recorder.save(state.report()) : Promise.resolve()
    saved.catch(() => undefined)
    if (isUnstarted && index === 0) restored = await fill(context, prepared.found, stageLimit)
    await saved
    if (index + 1 < count) {
      next = prepareStep(context, index + 1, network)
      next.catch(() => undefined)
    }
    await runStep(context, index, prepared.found, stageLimit)
    assertOurs(context)
    const result = state.attempt().steps[index]?.state
    if (result !== 'passed' && result !== 'ignored') break
  }
  // A container that was made ahead must not be made after everything was removed.
  await next?.catch(() => undefined)
  if (stageLimit.aborted && failureCause(context) === null && context.interruption() === null) {
    return { cause: 'timeout', message: 'the time limit of the stage was reached' }
  }
  if (last !== null && context.interruption() === null) await keepResults(context, last, restored)
  return null
}

/** Source, scripts and caches go in through the first step's container, which has not started. */
async function fill(
  context: StageContext,
  found: FoundContainer,
  stageLimit: AbortSignal,
): Promise<readonly RestoredCache[]> {
  const signal = AbortSignal.any([context.signal, stageLimit])
  const scripts = context.plan.config.steps.map((step, index) => ({
    path: scriptPath(index),
    mode: 0o755,
    text: stepScript(step.commands),
  }))
  await context.host.fill(found.id, scripts, context.checkout.tree(), signal)
  return restoreCaches(context, found.id)
}

async function keepResults(
  context: StageContext,
  last: FoundContainer,
  restored: readonly RestoredCache[],
): Promise<void> {
  const isGood = failureCause(context) === null
  // An attempt that will be repeated has no results.
  if (!isGood && mayRetry(context, failureCause(context) ?? 'exit')) return
  await collectArtifacts(context, last.id, isGood)
  if (isGood && !(restored.length > 0 && restored.every((cache) => cache.isExact))) await saveCaches(context, last.id)
}

async function ensureImages(context: StageContext, signal: AbortSignal): Promise<Trouble | null> {
  const { steps, services } = context.plan.config
  const images = new Set([
    ...steps.map((step) => step.image),
    ...Object.values(services).map((service) => service.image),
  ])
  const answers = await Promise.all(
    [...images].map(async (image) => ({
      image,
      answer: await context.host.ensureImage(image, (line) => void context.log.note(line), signal),
    })),
  )
  for (const { image, answer } of answers) {
    if (answer.kind === 'missing') return { cause: 'exit', message: `image ${image} cannot be had: ${answer.message}` }
    if (answer.kind === 'failed')
      return { cause: 'infra', message: `image ${image} could not be pulled: ${answer.message}` }
  }
  return null
}

/** A new attempt, or the one that an earlier process began and did not bring to its end. */
function beginAttempt(context: StageContext): void {
  const { attempts } = context.state.report()
  const known = attempts.at(-1)
  if (known !== undefined && failureCause(context) === null) return
  const attempt: AttemptReport = {
    number: attempts.length + 1,
    startedAt: context.clock.now(),
    steps: context.plan.config.steps.map(({ name, image }) => ({
      name,
      image,
      state: 'waiting',
      exitCode: null,
      startedAt: null,
      durationMs: null,
      cause: null,
      warning: null,
    })),
    trouble: null,
  }
  context.state.change((report) => ({ ...report, attempts: [...attempts, attempt] }))
}

function changeAttempt(context: StageContext, change: Partial<AttemptReport>): void {
  const changed = { ...context.state.attempt(), ...change }
  context.state.change((report) => ({ ...report, attempts: report.attempts.with(-1, changed) }))
}

/** Why the last attempt did not end well; null while nothing is wrong. */
function failureCause(context: StageContext): RetryCause | null {
  const attempt = context.state.report().attempts.at(-1)
  if (attempt === undefined) return null
  if (attempt.trouble !== null) return attempt.trouble.cause
  const states = attempt.steps.map((step) => step.state)
  if (states.includes('infrastructure')) return 'infra'
  if (states.includes('timed_out')) return 'timeout'
  return states.includes('failed') || states.includes('out_of_memory') ? 'exit' : null
}

function mayRetry(context: StageContext, cause: RetryCause): boolean {
  const { retry } = context.plan.config
  return (
    context.interruption() === null && retry.on.includes(cause) && context.state.report().attempts.length <= retry.max
  )
}

/** The stage's own limit, counted from the attempt's begin also after a take-over. */
function stageLimit(context: StageContext): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  const elapsed = context.clock.now() - context.state.attempt().startedAt
  const timer = setTimeout(() => controller.abort(), Math.max(0, context.plan.config.timeoutMs - elapsed))
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

async function conclude(context: StageContext, durationMs: number): Promise<StageEnd> {
  const verdict = verdictOf(context)
  if (verdict.conclusion === 'cancelled') await removeAll(context)
  await addFailureDetails(context)
  return { ...verdict, report: context.state.report(), durationMs }
}

function verdictOf(context: StageContext): { readonly conclusion: Conclusion; readonly reason: string | null } {
  const interruption = context.interruption()
  if (interruption?.kind === 'cancelled') return { conclusion: 'cancelled', reason: 'cancelled' }
  if (interruption?.kind === 'timed_out') return { conclusion: 'timed_out', reason: 'timeout' }
  const cause = failureCause(context)
  const states = context.state.attempt().steps.map((step) => step.state)
  if (cause === null)
    return states.includes('ignored')
      ? { conclusion: 'success', reason: 'tolerated' }
      : { conclusion: 'success', reason: null }
  // What is not the commit's fault is never ignored away.
  if (cause === 'infra') return { conclusion: 'failure', reason: 'infra' }
  if (context.plan.config.failure === 'ignore') return { conclusion: 'neutral', reason: 'ignored' }
  if (cause === 'timeout') return { conclusion: 'timed_out', reason: 'timeout' }
  return { conclusion: 'failure', reason: states.includes('out_of_memory') ? 'oom' : 'exit' }
}

async function addFailureDetails(context: StageContext): Promise<void> {
  const attempt = context.state.attempt()
  const index = attempt.steps.findIndex((step) => !['passed', 'ignored', 'waiting'].includes(step.state))
  const memory = attempt.steps.filter((step) => step.warning !== null && step.state === 'passed')
  const notices = memory.map((step) => `${step.name}: ${step.warning ?? ''}`)
  if (index < 0) {
    context.state.change((report) => ({ ...report, notices: [...report.notices, ...notices] }))
    return
  }
  await context.log.flush()
  const name = logName(stepOf(context, index).name, attempt.number)
  const lines = await context.logs.tail(context.identity.runId, ANNOTATED_LINES, name)
  const printed = lines.filter((line) => line.out === 'out' || line.out === 'err').map((line) => line.text)
  context.state.change((report: StageReport) => ({
    ...report,
    notices: [...report.notices, ...notices],
    annotations: [...report.annotations, ...compilerAnnotations(printed, WORKSPACE_PATH)],
    logTail: printed.slice(-TAIL_LINES),
  }))
}

async function removeAll(context: StageContext): Promise<void> {
  const left = await context.host.removeAll(context.identity.runId)
  if (left.length > 0) throw new SlipwayError('host_refused', `still on ${context.host.name}: ${left.join(', ')}`)
}

function assertOurs(context: StageContext): void {
  if (context.interruption()?.kind === 'lost')
    throw new SlipwayError('lease_lost', 'the stage goes on in another process')
}

/** For callers that log what they could not clean up. */
export function cleanUpQuietly(
  ports: Pick<StagePorts, 'host'>,
  runId: string,
  onFailure: (cause: string) => void,
): Promise<void> {
  return cleanUp(ports, runId).then(
    (left) => (left.length > 0 ? onFailure(`still on the host: ${left.join(', ')}`) : undefined),
    (error: unknown) => onFailure(errorMessage(error)),
  )
}
