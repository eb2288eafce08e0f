/**
 * Does a run of kind `deployability`: has every image of the commit built, publishes what the branch says, and tells
 * the truth about it. Images of one host are built one after the other (the host's layers are shared and its limit is
 * the job's lane), hosts work side by side. A run that is taken over after a crash starts again here: images that are
 * done are found by their digests, so only the one in hand is built again, from the builder's cache.
 */
import { errorCode, errorMessage, SlipwayError } from '../core/errors.ts'
import type { Clock } from '../core/clock.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { Lease } from '../core/lease.ts'
import type { Conclusion, Run } from '../core/run.ts'
import type { DesiredCheck } from '../core/check.ts'
import type { RunEnd, RunStore } from '../core/run-store.ts'
import { worstState, type DeployabilityResult, type ImageResult, type PublishResult } from './deployability-result.ts'
import { ensureImage, type EnsuredImage } from './ensure-image.ts'
import type { DeployabilityPlan } from './plan-deployability.ts'
import type { ImageBuilder, ImagePublisher, ImageRecordStore, ImageTarget, RunLog } from './ports.ts'
import { retryInfrastructure, type Try } from './retry-infrastructure.ts'

/** How much of the log a check run shows. */
const TAIL_LINES = 50

export interface DeployabilityDeps {
  readonly runs: RunStore
  readonly builder: ImageBuilder
  readonly records: ImageRecordStore
  readonly publisher: ImagePublisher
  readonly openLog: (runId: string) => Promise<RunLog>
  readonly clock: Clock
  /** Ends early when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Words, from `report/`. */
  readonly words: {
    progress(result: DeployabilityResult): DesiredCheck
    /** `cause` says who or what ended it before its time. */
    end(conclusion: Conclusion, result: DeployabilityResult, durationMs: number, cause: string | null): DesiredCheck
  }
}

/** How a run may be interrupted from outside; `lost` means: stop and write nothing. */
export type Interruption =
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'lost' }

export async function runDeployability(
  deps: DeployabilityDeps,
  work: {
    readonly run: Run
    readonly plan: DeployabilityPlan
    readonly repository: RepositoryRef
    readonly lease: Lease
    readonly signal: AbortSignal
    readonly interruption: () => Interruption | null
  },
): Promise<void> {
  const startedAt = deps.clock.monotonic()
  const { run, plan, lease } = work
  const lost = new AbortController()
  const signal = AbortSignal.any([work.signal, lost.signal])
  const log = await deps.openLog(run.id)
  try {
    let images: readonly ImageResult[] = plan.targets.map(waiting)
    const current = async (): Promise<DeployabilityResult> => ({
      images,
      missing: plan.missing,
      published: [],
      logTail: await log.tail(TAIL_LINES),
    })
    const announcements: Promise<void>[] = []
    // Nobody waits for an announcement while images are built, so it may not fail: without it GitHub only hears later.
    const announce = async (): Promise<void> => {
      try {
        const soFar = await current()
        await deps.runs.progress(lease, run.id, { result: soFar, report: deps.words.progress(soFar) })
      } catch (error) {
        if (errorCode(error) === 'lease_lost') lost.abort(error)
        else log.note(`The progress could not be announced: ${errorMessage(error)}`)
      }
    }

    const hosts = new Set(plan.targets.map((target) => target.host))
    await Promise.all(
      [...hosts].map(async (host) => {
        for (const [index, target] of plan.targets.entries()) {
          if (target.host !== host || signal.aborted) continue
          const onBuilding = (result: ImageResult): void => {
            images = images.with(index, result)
            announcements.push(announce())
          }
          images = images.with(index, await buildOne(deps, { ...work, signal }, target, log, onBuilding))
        }
      }),
    )
    await Promise.all(announcements)
    const interruption = work.interruption()
    if (interruption?.kind === 'lost' || lost.signal.aborted)
      throw new SlipwayError('lease_lost', 'the work was handed over')

    const isGood = ['built', 'reused'].includes(worstState(images)) && plan.missing.length === 0
    const published = isGood && interruption === null ? await publishAll(deps, plan, images, log, signal) : []
    const result: DeployabilityResult = { ...(await current()), published }
    const end = conclude(deps, result, interruption, deps.clock.monotonic() - startedAt)
    await deps.runs.complete(lease, run.id, end)
  } finally {
    await log.close()
  }
}

async function buildOne(
  deps: DeployabilityDeps,
  work: Parameters<typeof runDeployability>[1],
  target: ImageTarget,
  log: RunLog,
  onBuilding: (result: ImageResult) => void,
): Promise<ImageResult> {
  const { run, plan, repository } = work
  const base = waiting(target)
  const limit = AbortSignal.timeout(target.image.timeoutMs)
  const signal = AbortSignal.any([work.signal, limit])
  const announced = withAnnouncement(log, target, () => onBuilding({ ...base, state: 'building' }))
  const awaitHost = (): Promise<boolean> => deps.builder.awaitHost(target.host, signal)
  return await retryInfrastructure({ signal, log, pause: deps.pause, awaitHost }, () => once())

  async function once(): Promise<Try> {
    const startedAt = deps.clock.monotonic()
    try {
      const outcome = await ensureImage(deps, {
        repository,
        sha: run.sha,
        ref: run.source.ref,
        treeSha: plan.treeSha,
        target,
        trust: run.source.trust,
        runId: run.id,
        useCache: plan.useCache,
        log: announced,
        signal,
      })
      const result = toResult(base, outcome, deps.clock.monotonic() - startedAt, limit.aborted)
      return { result, waitsFor: result.state === 'infrastructure' ? 'host' : null }
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error
      if (error.code === 'database_unavailable') throw error
      if (error.fault === 'user') return { result: { ...base, state: 'failed', cause: error.message }, waitsFor: null }
      const result: ImageResult = { ...base, state: 'infrastructure', cause: error.message }
      return { result, waitsFor: error.fault === 'github' ? 'github' : 'host' }
    }
  }
}

/** The first sign of a real build is announced, so that a reused image never shows as being built. */
function withAnnouncement(log: RunLog, target: ImageTarget, announce: () => void): Pick<RunLog, 'note' | 'write'> {
  let isAnnounced = false
  const once = (): void => {
    if (isAnnounced) return
    isAnnounced = true
    log.note(`Building ${target.image.key} for ${target.platform} on ${target.host}`)
    announce()
  }
  return {
    note(text) {
      once()
      log.note(text)
    },
    write(bytes) {
      once()
      log.write(bytes)
    },
  }
}

function waiting({ image, platform, host }: ImageTarget): ImageResult {
  return {
    image: image.key,
    platform,
    host,
    state: 'waiting',
    imageId: null,
    durationMs: null,
    cause: null,
    step: null,
    exitCode: null,
    location: null,
  }
}

function toResult(base: ImageResult, outcome: EnsuredImage, durationMs: number, isTimedOut: boolean): ImageResult {
  switch (outcome.kind) {
    case 'built':
    case 'reused':
      return { ...base, state: outcome.kind, imageId: outcome.imageId, durationMs }
    case 'failed': {
      const { message: cause, step, exitCode, location } = outcome
      return { ...base, state: 'failed', durationMs, cause, step, exitCode, location }
    }
    case 'aborted':
      return isTimedOut
        ? { ...base, state: 'timed_out', durationMs, cause: 'the time limit of the image was reached' }
        : { ...base, state: 'cancelled', durationMs }
    case 'infrastructure':
      return { ...base, state: 'infrastructure', durationMs, cause: outcome.message }
  }
}

async function publishAll(
  deps: DeployabilityDeps,
  plan: DeployabilityPlan,
  images: readonly ImageResult[],
  log: RunLog,
  signal: AbortSignal,
): Promise<readonly PublishResult[]> {
  const published: PublishResult[] = []
  for (const { image, reference } of plan.publish) {
    const built = images.find((result) => result.image === image && result.imageId !== null)
    if (built?.imageId == null) continue
    try {
      log.note(`Publishing ${image} as ${reference}`)
      const { digest } = await deps.publisher.publish(built.host, built.imageId, reference, signal)
      published.push({ image, reference, digest, cause: null })
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error
      log.note(`Publishing failed: ${error.message}`)
      published.push({ image, reference, digest: null, cause: error.message })
    }
  }
  return published
}

function conclude(
  deps: DeployabilityDeps,
  result: DeployabilityResult,
  interruption: Interruption | null,
  durationMs: number,
): RunEnd {
  const { conclusion, reason } = conclusionOf(result, interruption)
  const cause = interruption?.kind === 'cancelled' ? interruption.reason : null
  return {
    conclusion,
    reason,
    result,
    report: deps.words.end(conclusion, result, durationMs, cause),
    story: `Ended: ${conclusion}${cause === null ? '' : `, ${cause}`}`,
  }
}

function conclusionOf(
  result: DeployabilityResult,
  interruption: Interruption | null,
): { readonly conclusion: Conclusion; readonly reason: string | null } {
  if (interruption?.kind === 'cancelled') return { conclusion: 'cancelled', reason: 'cancelled' }
  if (interruption?.kind === 'timed_out') return { conclusion: 'timed_out', reason: 'timeout' }
  if (result.missing.length > 0) return { conclusion: 'failure', reason: 'platform' }
  switch (worstState(result.images)) {
    case 'failed':
      return { conclusion: 'failure', reason: 'build' }
    case 'timed_out':
      return { conclusion: 'timed_out', reason: 'timeout' }
    case 'infrastructure':
      return { conclusion: 'failure', reason: 'infra' }
    case 'cancelled':
    case 'building':
    case 'waiting':
      return { conclusion: 'cancelled', reason: 'cancelled' }
    case 'built':
    case 'reused':
      return result.published.some((publication) => publication.cause !== null)
        ? { conclusion: 'failure', reason: 'publish' }
        : { conclusion: 'success', reason: null }
  }
}
