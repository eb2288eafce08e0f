/** How a local run shows itself: a live list of stages on a terminal, plain lines with their stage's name elsewhere. */
import { Listr, type ListrTask } from 'listr2'
import { formatDuration } from '../../core/duration.ts'
import { isGood } from '../../core/run.ts'
import type { Terminal } from '../terminal.ts'
import type { LocalPipeline, LocalStage } from './local-pipeline.ts'
import { runStages, type StageOutcome } from './run-stages.ts'

export async function runPlainly(
  terminal: Terminal,
  pipeline: LocalPipeline,
  stages: readonly LocalStage[],
  signal: AbortSignal,
): Promise<readonly StageOutcome[]> {
  return runStages(stages, (stage) => {
    const prefix = terminal.styled('cyan', `[${shortName(stage)}]`)
    return pipeline.execute(
      stage,
      { line: (line) => terminal.line(`${prefix} ${printable(line.text)}`), progress: () => undefined },
      signal,
    )
  })
}

export async function runLively(
  pipeline: LocalPipeline,
  stages: readonly LocalStage[],
  signal: AbortSignal,
): Promise<readonly StageOutcome[]> {
  const starts = new Map(stages.map((stage) => [stage.name, signalOf<TaskHandle>()]))
  const ends = new Map(stages.map((stage) => [stage.name, signalOf<StageOutcome>()]))
  const tasks = stages.map((stage): ListrTask => ({
    title: shortName(stage),
    async task(_context, task) {
      starts.get(stage.name)?.resolve(task)
      const outcome = await ends.get(stage.name)?.promise
      if (outcome === undefined) return
      task.title = `${shortName(stage)}: ${outcomeWords(outcome)}`
      if (outcome.conclusion === 'skipped') task.skip(task.title)
      else if (!isGood(outcome.conclusion)) throw new Error(task.title)
    },
  }))
  const view = new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    rendererOptions: { collapseErrors: false, showErrorMessage: false },
  })
  const shown = view.run()
  const outcomes = await runStages(stages, async (stage) => {
    const task = await starts.get(stage.name)?.promise
    return pipeline.execute(
      stage,
      {
        line(line) {
          if (task !== undefined) task.output = printable(line.text)
        },
        progress(report) {
          const running = report.attempts.at(-1)?.steps.find((step) => step.state === 'running')
          if (task !== undefined && running !== undefined) task.title = `${shortName(stage)}: ${running.name}`
        },
      },
      signal,
    )
  })
  for (const outcome of outcomes) ends.get(outcome.stage.name)?.resolve(outcome)
  await shown
  return outcomes
}

/** What a person wants to know at the end: how each stage went, and the log of what failed. */
export function summarize(terminal: Terminal, outcomes: readonly StageOutcome[], showLogs: boolean): void {
  for (const outcome of outcomes) {
    if (isGood(outcome.conclusion) && outcome.reason !== 'dependency') continue
    const failed = outcome.end?.report.attempts
      .at(-1)
      ?.steps.find((step) => !['passed', 'ignored', 'waiting'].includes(step.state))
    if (showLogs && (outcome.end?.report.logTail.length ?? 0) > 0) {
      terminal.line()
      terminal.line(
        terminal.styled(
          'bold',
          `The end of the log of ${shortName(outcome.stage)}${failed === undefined ? '' : `, step ${failed.name}`}:`,
        ),
      )
      for (const line of outcome.end?.report.logTail ?? []) terminal.line(`  ${printable(line)}`)
    }
  }
  terminal.line()
  terminal.table(
    ['Stage', 'Result'],
    outcomes.map((outcome) => [shortName(outcome.stage), outcomeWords(outcome)]),
  )
  const kept = outcomes.flatMap((outcome) => outcome.end?.report.artifacts ?? [])
  if (kept.length > 0) terminal.line(`${kept.length} artifacts in .slipway/artifacts`)
}

export function outcomeWords({ conclusion, reason, end, message }: StageOutcome): string {
  const took = end === null ? '' : ` in ${formatDuration(end.durationMs)}`
  const attempt = end?.report.attempts.at(-1)
  const failed = attempt?.steps.find((step) => !['passed', 'ignored', 'waiting'].includes(step.state))
  const cause =
    message ??
    attempt?.trouble?.message ??
    (failed === undefined ? null : `${failed.name}: ${failed.cause ?? 'failed'}`)
  const word = {
    success: 'passed',
    neutral: 'failed, ignored',
    skipped: 'skipped',
    cancelled: 'cancelled',
    timed_out: 'timed out',
    failure: 'failed',
    action_required: 'waiting',
  }[conclusion]
  const blame = reason === 'infra' ? ' (not your commands)' : ''
  return `${word}${took}${blame}${cause === null ? '' : `: ${cause}`}`
}

interface TaskHandle {
  title: string
  output: string
}

function signalOf<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

function shortName(stage: LocalStage): string {
  return stage.name.replace(/^pipeline\//, '')
}

/** What a step prints may colour its line, but not move about on the reader's terminal. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\u001B\[[0-9;]*[^0-9;m]|\u001B[^[]|[\u0000-\u0008\u000B-\u001A\u001C-\u001F\u007F]/g, '')
}
