/** The work of a run of kind `stage`: brings the run's record, its instance and its report around `runStage`. */
import { z } from 'zod'
import type { RepositoryRef } from '../core/events.ts'
import type { Lease } from '../core/lease.ts'
import type { Logger } from '../core/logger.ts'
import { isGood, type Run } from '../core/run.ts'
import type { RunStore } from '../core/run-store.ts'
import type { Secret } from '../core/secret.ts'
import type { StageReport } from '../core/stage-report.ts'
import type {
  HeldInstance,
  InstanceAnswer,
  Interruption,
  OpenSource,
  StageHost,
  StagePorts,
  StageWords,
} from './ports.ts'
import { cleanUpQuietly, runStage } from './run-stage.ts'
import { parseStagePlan, type StagePlan } from './stage-plan.ts'

export interface StageDeps extends Omit<StagePorts, 'host' | 'checkout'> {
  readonly runs: Pick<RunStore, 'progress' | 'complete'>
  /** Throws `host_unreachable` for a host that is not configured any more. */
  readonly hostOf: (name: string) => StageHost
  readonly openSource: OpenSource
  /** Those of the names that an admin gave to this repository; called for trusted commits only. */
  readonly secretsOf: (repository: RepositoryRef, names: readonly string[]) => Promise<Readonly<Record<string, Secret>>>
  readonly instances: {
    request(
      run: Run,
      repository: RepositoryRef,
      pool: NonNullable<StagePlan['config']['pool']>,
    ): Promise<InstanceAnswer>
    release(runId: string, failed: boolean): Promise<void>
  }
  readonly words: StageWords
  /** Releases or skips the stages that waited for this one. */
  readonly settle: (groupId: string) => Promise<void>
  readonly logger: Logger
}

export interface StageRunWork {
  readonly run: Run
  readonly repository: RepositoryRef
  readonly lease: Lease
  readonly signal: AbortSignal
  readonly interruption: () => Interruption | null
}

/** The stage has to stand in line for its instance before it may begin; asking again finds what it holds already. */
export type InstanceClaim =
  | { readonly kind: 'go'; readonly instance: HeldInstance | null }
  | { readonly kind: 'wait'; readonly cause: string }
  | { readonly kind: 'refused'; readonly message: string }

export async function claimInstance(
  deps: StageDeps,
  work: Pick<StageRunWork, 'run' | 'repository' | 'lease'>,
): Promise<InstanceClaim> {
  const { pool } = parseStagePlan(work.run.plan).config
  if (pool === null) return { kind: 'go', instance: null }
  const answer = await deps.instances.request(work.run, work.repository, pool)
  switch (answer.kind) {
    case 'held':
      return { kind: 'go', instance: answer.instance }
    case 'refused':
      return answer
    case 'waiting': {
      const cause = `place ${answer.place} in the line for an instance of ${pool.name}`
      await deps.runs.progress(work.lease, work.run.id, {
        report: deps.words.inLine(pool.name, answer.place, answer.estimateMs),
      })
      return { kind: 'wait', cause }
    }
  }
}

/** Ends with `runs.complete`, unless the lease was lost. */
export async function doStage(deps: StageDeps, work: StageRunWork, instance: HeldInstance | null): Promise<void> {
  const { run, repository, lease } = work
  const plan = parseStagePlan(run.plan)
  const host = deps.hostOf(plan.host)
  const known = storedReport.safeParse(run.result)
  const secrets = run.source.trust === 'trusted' ? await deps.secretsOf(repository, plan.config.secrets) : {}
  const checkout = await deps.openSource(repository, run.sha, run.source.ref, work.signal)
  const end = await runStage(
    { ...deps, host, checkout },
    {
      ...work,
      source: run.source,
      identity: {
        runId: run.id,
        repositoryId: repository.id,
        repository: `${repository.owner}/${repository.name}`,
        sha: run.sha,
      },
      plan,
      secrets,
      instance,
      recorder: {
        known: known.success ? known.data : null,
        save: (report, story) =>
          deps.runs.progress(lease, run.id, {
            result: report,
            report: deps.words.progress(run.name, report),
            ...(story === undefined ? {} : { story }),
          }),
      },
    },
  )
  const cancelled = work.interruption()
  const reason = cancelled?.kind === 'cancelled' ? cancelled.reason : end.reason
  await deps.runs.complete(lease, run.id, {
    conclusion: end.conclusion,
    reason,
    result: end.report,
    report: deps.words.end(run.name, { ...end, reason }),
    story: `Ended: ${end.conclusion}${reason === null ? '' : ` (${reason})`}`,
  })
  if (plan.config.pool !== null) await deps.instances.release(run.id, !isGood(end.conclusion))
  await deps.settle(run.groupId)
  await cleanUpQuietly({ host }, run.id, (cause) =>
    deps.logger.warn({ runId: run.id, host: host.name, cause }, 'a stage left something behind; the sweep removes it'),
  )
}

const isReport = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'attempts' in value && Array.isArray(value.attempts)
/** Written by `save` alone. */
const storedReport = z.custom<StageReport>(isReport)
