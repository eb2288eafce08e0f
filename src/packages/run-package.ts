/**
 * One package build under its job's lease, from the source to the release.
 *
 * Crashes: whoever has the next lease clears what the former left on the Docker host and builds again; nothing was
 * visible yet. Once the artifact is published that is the result, whatever happens afterwards, so a repetition only
 * finishes the record. What follows a build (dependencies, mail) is asked for after its record is complete and before
 * the job is, under keys that make a repetition harmless.
 *
 * Faults of a machine are thrown: the queue tries again and in the end calls `onParked`. Faults of the package are
 * results and never tried again by themselves.
 */
import type { BlobStore } from '../core/blob-store.ts'
import type { Clock } from '../core/clock.ts'
import { SlipwayError } from '../core/errors.ts'
import type { Lease } from '../core/lease.ts'
import type { Logger } from '../core/logger.ts'
import type { PackageOutcome } from '../core/package-report.ts'
import type { Run } from '../core/run.ts'
import type { RunLogs, RunLogWriter } from '../core/run-log.ts'
import { createMasker } from '../core/mask-secrets.ts'
import { packageBuildState } from './build-state.ts'
import { buildPackage } from './build-package.ts'
import { followBuild } from './follow-build.ts'
import { packageEnd } from './package-end.ts'
import { packagePlanOf, subjectOf, type PackagePlan } from './package-plan.ts'
import { conclusionOf, outcomeMessage, outcomeOfError, packageResultOf } from './package-result.ts'
import type { Outbox, PackageMeter, RepositoryFinder, Workbench } from './ports.ts'
import type { SigningKeys } from './provenance/signing-keys.ts'
import type { RequestDeps } from './request-builds.ts'
import { versionSortKey } from './version-order.ts'
import { watchForEnd, type EndWatch } from './watch-for-end.ts'

export interface PackageRunDeps extends RequestDeps {
  readonly repositories: RepositoryFinder
  readonly workbench: Workbench
  readonly blobs: BlobStore
  readonly logs: RunLogs
  readonly keys: SigningKeys
  /** Null: mail is not configured. */
  readonly outbox: Outbox | null
  readonly meter: PackageMeter
  readonly clock: Clock
  readonly logger: Logger
  /** Without a trailing slash. */
  readonly baseUrl: string
}

export interface PackageJob {
  readonly payload: Readonly<Record<string, unknown>>
  readonly lease: Lease
}

export function packageRunHandler(deps: PackageRunDeps) {
  return {
    async handle(job: PackageJob, signal: AbortSignal) {
      const run = await deps.runs.get(String(job.payload['runId']))
      if (run === null) return { kind: 'done' as const }
      if (run.state !== 'completed') await work(deps, job.lease, run, signal)
      await followBuild(deps, run.id)
      return { kind: 'done' as const }
    },
    async onParked(payload: Readonly<Record<string, unknown>>, cause: string): Promise<void> {
      const run = await deps.runs.get(String(payload['runId']))
      if (run === null || run.state === 'completed') return
      const plan = packagePlanOf(run)
      await clearAway(deps, run, plan)
      const outcome: PackageOutcome = { kind: 'failed', reason: 'infra', message: cause, fault: 'slipway' }
      await deps.runs.completeForced(run.id, await endOf(deps, run, plan, outcome))
      await followBuild(deps, run.id)
    },
  }
}

async function work(deps: PackageRunDeps, lease: Lease, run: Run, signal: AbortSignal): Promise<void> {
  const plan = packagePlanOf(run)
  const settled = await settledOutcome(deps, run, plan)
  if (settled !== null) {
    await clearAway(deps, run, plan)
    return await finish(deps, lease, run, plan, settled)
  }
  const subject = subjectOf(plan, run.sha)
  const started = await deps.runs.start(
    lease,
    run.id,
    deps.words.working(subject, 'preparing'),
    `building on host ${plan.host}`,
  )
  if (run.startedAt === null) deps.meter.waited(deps.clock.now() - run.createdAt.getTime())

  const log = await deps.logs.open(run.id, { masker: createMasker([]), limitBytes: plan.logBytes })
  const watch = watchForEnd({ runs: deps.runs, runId: run.id, signal, leftMs: timeLeft(deps, started, plan) })
  try {
    const outcome = await attempt(deps, { lease, run: started, plan, log, watch })
    await log.note(
      `Result: ${outcome.kind === 'published' ? `published ${outcome.file.fileName}, sha256 ${outcome.file.sha256}` : outcomeMessage(outcome) || 'same as released'}`,
    )
    await log.seal()
    await finish(deps, lease, started, plan, outcome)
  } catch (error) {
    await log.close()
    throw error
  } finally {
    watch.stop()
  }
}

/** What is known before any work: the build was asked to end, was published by a process that died, or may never publish. */
async function settledOutcome(deps: PackageRunDeps, run: Run, plan: PackagePlan): Promise<PackageOutcome | null> {
  const record = await deps.store.build(run.id)
  if (record?.artifact?.runId === run.id) return { kind: 'published', file: record.artifact }
  if (run.cancelRequestedAt !== null) return { kind: 'cancelled', message: run.cancelReason ?? 'cancelled' }
  const repository = await deps.repositories.get(run.repositoryId)
  if (repository === null) return { kind: 'cancelled', message: 'the repository is gone' }
  if (record !== null) return null
  // The process that asked died between making the run and recording it.
  const claim = await deps.store.claimVersion({
    repository,
    package: plan.package,
    tag: plan.tag,
    sha: run.sha,
    sortKey: versionSortKey(plan.tag),
  })
  if (claim.kind === 'moved') return { kind: 'tag_moved', releasedSha: claim.sha }
  await deps.store.recordBuild({ runId: run.id, versionId: claim.versionId, axes: plan.axes, variant: plan.variant })
  return null
}

interface Attempt {
  readonly lease: Lease
  readonly run: Run
  readonly plan: PackagePlan
  readonly log: RunLogWriter
  readonly watch: EndWatch
}

async function attempt(deps: PackageRunDeps, one: Attempt): Promise<PackageOutcome> {
  const { plan, run, watch } = one
  try {
    await deps.workbench.clear(plan.host, run.id)
    return await buildPackage(deps, one)
  } catch (error) {
    const outcome = watch.outcome(plan.timeoutMs) ?? outcomeOfError(error)
    if (outcome !== null) return outcome
    await one.log.note(
      `A machine failed, not your commit: ${error instanceof SlipwayError ? error.message : 'an internal error'}`,
    )
    throw error
  } finally {
    await clearAway(deps, run, plan)
  }
}

/** A host that is away keeps what is on it until the sweeper comes; the result stands all the same. */
async function clearAway(deps: PackageRunDeps, run: Run, plan: PackagePlan): Promise<void> {
  await deps.workbench
    .clear(plan.host, run.id)
    .catch((error: unknown) => deps.logger.warn({ err: error, runId: run.id }, 'left for the sweeper'))
}

async function finish(
  deps: PackageRunDeps,
  lease: Lease,
  run: Run,
  plan: PackagePlan,
  outcome: PackageOutcome,
): Promise<void> {
  const end = await endOf(deps, run, plan, outcome)
  await deps.runs.complete(lease, run.id, end)
  deps.meter.ended(packageBuildState({ state: 'completed', ...end }), end.reason ?? 'none')
  if (run.startedAt !== null) deps.meter.built(deps.clock.now() - run.startedAt.getTime())
}

async function endOf(deps: PackageRunDeps, run: Run, plan: PackagePlan, outcome: PackageOutcome) {
  const durationMs = run.startedAt === null ? 0 : Math.max(0, deps.clock.now() - run.startedAt.getTime())
  const end = await packageEnd(deps, run, plan, outcome, durationMs)
  return {
    ...conclusionOf(outcome),
    result: { phase: packageResultOf(run)?.phase ?? 'preparing', outcome, durationMs },
    report: deps.words.ended(end),
    story:
      end.links.download === null
        ? `ended: ${outcomeMessage(outcome) || outcome.kind}`
        : `released as ${end.links.download}`,
  }
}

function timeLeft(deps: PackageRunDeps, run: Run, plan: PackagePlan): number {
  const started = run.startedAt?.getTime() ?? deps.clock.now()
  return Math.max(1, plan.timeoutMs - (deps.clock.now() - started))
}
