/** What is repeated for ever: each chore asks for a job, so that of all processes one does it. */
import { HANDLED_EVENTS } from '../app/routes.ts'
import type { DeliveryStore } from '../app/ports.ts'
import type { FlowDeps } from '../flow/deps.ts'
import { reconcileAll } from '../flow/reconcile.ts'
import { endOverdueRuns } from '../flow/sweep-runs.ts'
import { redeliverFailed } from '../github/redeliver.ts'
import { DONE, type JobHandlers } from '../queue/ports.ts'
import type { Chore } from '../queue/ticker.ts'
import { createCheckReportStore, reportJob } from '../store/reports.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'
import { sweepHosts } from './sweep-hosts.ts'

const RECONCILE_JOB = 'reconcile'
const SWEEP_JOB = 'sweep'
const RETENTION_JOB = 'retention'
/** Invariant I4 allows a minute past a run's limit; the sweep itself waits 30 s of it. */
const OVERDUE_INTERVAL_MS = 15_000
/** Invariant I8: what belongs to no live row is gone within five minutes. */
const SWEEP_INTERVAL_MS = 60_000
const RETENTION_INTERVAL_MS = 60 * 60_000
/** GitHub itself keeps deliveries for three days; a month is for people who look back. */
const KEEP_DELIVERIES_DAYS = 30
/** Longer than a queue ever is; a delivery that is still in it keeps its place. */
const LOST_AFTER_MINUTES = 15

export function createChores(
  base: Foundation,
  deliveries: DeliveryStore,
  flow: FlowDeps,
  features: readonly Feature[],
): { readonly chores: readonly Chore[]; readonly handlers: JobHandlers } {
  const reports = createCheckReportStore(base.db)
  const isHarmless = base.settings.confirm === 'harmless'
  const ask = (kind: string) => (): Promise<void> =>
    base.jobs.enqueue([{ kind, key: kind, payload: {}, lane: 'chores' }])
  return {
    chores: [
      { name: 'overdue runs', everyMs: OVERDUE_INTERVAL_MS, run: () => endOverdueRuns(base.runs) },
      { name: 'reconcile', everyMs: base.settings.reconcileIntervalMs, run: ask(RECONCILE_JOB) },
      // A dry run removes nothing from a host either.
      ...(isHarmless ? [] : [{ name: 'sweep', everyMs: SWEEP_INTERVAL_MS, run: ask(SWEEP_JOB) }]),
      { name: 'retention', everyMs: RETENTION_INTERVAL_MS, run: ask(RETENTION_JOB) },
      ...features.flatMap((feature) => feature.chores ?? []),
    ],
    handlers: {
      ...Object.assign({}, ...features.map((feature) => feature.choreHandlers ?? {})),
      [RECONCILE_JOB]: {
        async handle(_job, signal) {
          const requeued = await deliveries.requeueLost(LOST_AFTER_MINUTES)
          if (requeued > 0) base.logger.warn({ requeued }, 'deliveries had lost their jobs')
          // A report whose job was parked is asked for again.
          for (const installationId of await reports.installationsWithUnsent())
            await base.jobs.enqueue([reportJob(installationId)])
          if (base.github.appId() === null) return DONE
          const isHandled = (event: string): boolean => HANDLED_EVENTS.has(event)
          // Asking for a delivery is a write as well.
          const redelivered = isHarmless
            ? 0
            : await redeliverFailed(base.github, { known: deliveries.known, isHandled })
          if (redelivered > 0) base.logger.info({ redelivered }, 'asked GitHub to deliver again what had failed')
          await reconcileAll(flow, signal)
          return DONE
        },
      },
      [SWEEP_JOB]: {
        async handle() {
          await sweepHosts(base, features)
          return DONE
        },
      },
      [RETENTION_JOB]: {
        async handle() {
          await deliveries.forget(KEEP_DELIVERIES_DAYS)
          return DONE
        },
      },
    },
  }
}
