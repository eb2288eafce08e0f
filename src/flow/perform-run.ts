/**
 * The frame around the work of one run: it begins the run, watches for whoever wants to end it (a person, a newer
 * commit, its deadline, this process stopping), and makes a fault of our own show as ours. What is inside only sees one
 * signal and can ask why it was interrupted.
 */
import { z } from 'zod'
import type { DesiredCheck } from '../core/check.ts'
import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { Lease } from '../core/lease.ts'
import type { Run } from '../core/run.ts'
import type { RunStore, StartedRun } from '../core/run-store.ts'
import type { Interruption } from '../images/index.ts'
import { DONE, type JobHandler } from '../queue/ports.ts'
import { cancelledCheck, slipwayFailedCheck } from '../report/index.ts'
import type { RepositoryStore } from './ports.ts'

/** Timers of Node with a longer delay fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export interface RunWork {
  readonly run: Run
  readonly repository: RepositoryRef
  readonly lease: Lease
  readonly signal: AbortSignal
  readonly interruption: () => Interruption | null
}

export interface PerformRunDeps {
  readonly runs: RunStore
  readonly repositories: Pick<RepositoryStore, 'get'>
  readonly detailsUrl: (runId: string) => string
  /** What GitHub shows when the work begins. */
  readonly startedCheck: (run: Run) => DesiredCheck
}

const payloadOfRunJob = z.object({ runId: z.string() })

/** A job handler that does runs of one kind with `work`, which must end with `runs.complete`. */
export function runHandler(deps: PerformRunDeps, work: (work: RunWork) => Promise<void>): JobHandler {
  return {
    async handle(job, jobSignal) {
      const { runId } = payloadOfRunJob.parse(job.payload)
      const known = await deps.runs.get(runId)
      if (known === null || known.state === 'completed') return DONE
      const repository = await deps.repositories.get(known.repositoryId)
      if (repository === null) return DONE
      if (known.cancelRequestedAt !== null && known.startedAt === null) {
        await deps.runs.complete(job.lease, runId, cancelEnd(known))
        return DONE
      }

      const story = known.startedAt === null ? 'Started' : 'Taken over after its process ended'
      const run = await deps.runs.start(job.lease, runId, deps.startedCheck(known), story)
      const watch = watchInterruptions(deps.runs, run, jobSignal)
      try {
        await work({ run, repository, lease: job.lease, signal: watch.signal, interruption: watch.interruption })
      } finally {
        watch.stop()
      }
      return DONE
    },
    async onParked(payload, cause) {
      const { runId } = payloadOfRunJob.parse(payload)
      await deps.runs.completeForced(runId, {
        conclusion: 'failure',
        reason: 'infra',
        result: null,
        report: slipwayFailedCheck(cause, deps.detailsUrl(runId)),
        story: `Given up: ${cause}`,
      })
    },
  }
}

function cancelEnd(run: Run) {
  const cause = run.cancelReason ?? 'cancelled'
  return {
    conclusion: 'cancelled' as const,
    reason: 'cancelled',
    result: run.result,
    report: cancelledCheck(cause),
    story: `Cancelled before it began: ${cause}`,
  }
}

interface Watch {
  readonly signal: AbortSignal
  interruption(): Interruption | null
  stop(): void
}

function watchInterruptions(runs: RunStore, run: StartedRun, jobSignal: AbortSignal): Watch {
  const controller = new AbortController()
  let why: Interruption | null = null
  const interrupt = (interruption: Interruption): void => {
    why ??= interruption
    controller.abort(new SlipwayError(interruption.kind === 'lost' ? 'lease_lost' : 'cancelled', interruption.kind))
  }
  const onStop = (): void => interrupt({ kind: 'lost' })
  if (jobSignal.aborted) onStop()
  jobSignal.addEventListener('abort', onStop, { once: true })
  const unsubscribe = runs.onCancel(run.id, ({ reason }) => interrupt({ kind: 'cancelled', reason }))
  // The run's own limit counts from its first start, so a take-over does not begin it anew; by the database's clock,
  // because this machine's may be hours off.
  const left = Math.min(Math.max(0, run.timeLeftMs ?? run.timeoutMs), LONGEST_TIMER_MS)
  const deadline = setTimeout(() => interrupt({ kind: 'timed_out' }), left)
  return {
    signal: controller.signal,
    interruption: () => why,
    stop() {
      clearTimeout(deadline)
      unsubscribe()
      jobSignal.removeEventListener('abort', onStop)
    },
  }
}
