import type { RunLogWriter } from '../core/run-log.ts'
import type { RunSource } from '../core/run.ts'
import type { Secret } from '../core/secret.ts'
import type { AttemptReport, StageReport, StepReport } from '../core/stage-report.ts'
import type { HeldInstance, Interruption, StageIdentity, StagePorts, StageRecorder } from './ports.ts'
import type { StagePlan } from './stage-plan.ts'

/** Everything one execution of a stage works with. */
export interface StageWork {
  readonly identity: StageIdentity
  readonly source: RunSource
  readonly plan: StagePlan
  /** Only those the file names and the admin gave to trusted commits. */
  readonly secrets: Readonly<Record<string, Secret>>
  readonly instance: HeldInstance | null
  readonly recorder: StageRecorder
  /** Fires when the stage must stop; `interruption` says why. */
  readonly signal: AbortSignal
  readonly interruption: () => Interruption | null
}

export interface StageContext extends StageWork, StagePorts {
  readonly log: RunLogWriter
  /** The one copy of what is known; replaced, never changed. */
  readonly state: StageState
}

export interface StageState {
  report(): StageReport
  attempt(): AttemptReport
  change(change: (report: StageReport) => StageReport): void
  changeStep(index: number, change: Partial<StepReport>): void
}

export function createStageState(initial: StageReport): StageState {
  let report = initial
  const attempt = (): AttemptReport => {
    const last = report.attempts.at(-1)
    if (last === undefined) throw new Error('the stage has no attempt yet')
    return last
  }
  return {
    report: () => report,
    attempt,
    change(change) {
      report = change(report)
    },
    changeStep(index, change) {
      const { steps, ...rest } = attempt()
      const changed = { ...rest, steps: steps.map((step, at) => (at === index ? { ...step, ...change } : step)) }
      report = { ...report, attempts: report.attempts.with(-1, changed) }
    },
  }
}

/** Names of an attempt's objects on the host. A run's id is unique, so they are as well. */
export function objectName(runId: string, attempt: number, part = ''): string {
  return `slipway-${runId}-${attempt}${part === '' ? '' : `-${part}`}`
}

/** What a step is called in the log; attempts after the first are told apart. */
export function logName(name: string, attempt: number): string {
  return attempt === 1 ? name : `${name} (attempt ${attempt})`
}
