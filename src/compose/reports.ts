/** The sender of reports, for check runs and for whatever else features tell GitHub. */
import { reportHandler, type SendResult } from '../github/send-reports.ts'
import type { JobHandler } from '../queue/ports.ts'
import { createCheckReportStore } from '../store/reports.ts'
import { createWriteBudgetStore } from '../store/write-budget.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'

export function createReportHandler(base: Foundation, features: readonly Feature[]): JobHandler {
  const others = features.flatMap((feature) => feature.sendOther ?? [])
  return reportHandler({
    github: base.github,
    reports: createCheckReportStore(base.db),
    budget: createWriteBudgetStore(base.db),
    detailsUrl: base.detailsUrl,
    clock: base.clock,
    random: base.random,
    logger: base.logger,
    isSending: base.settings.confirm !== 'harmless',
    async sendOther(installationId) {
      let nextInMs: number | null = null
      for (const send of others) {
        const result: SendResult = await send(installationId)
        if (result.kind !== 'nothing') return result
        if (result.nextInMs !== null) nextInMs = Math.min(nextInMs ?? result.nextInMs, result.nextInMs)
      }
      return { kind: 'nothing', nextInMs }
    },
  })
}
