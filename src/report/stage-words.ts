/** What contributors read of a stage. Every sentence about stages is here. */
import type { Annotation, DesiredCheck } from '../core/check.ts'
import type { Conclusion } from '../core/run.ts'
import type { AttemptReport, StageReport, StepReport, StepState } from '../core/stage-report.ts'
import { CANCEL, EXTEND, REBUILD, RELEASE } from './buttons.ts'
import { durationText } from './duration-text.ts'
import { block, code, paragraphs, plain, table } from './markdown.ts'

/** GitHub takes fifty with one request; what is beyond is in the log. */
const MOST_ANNOTATIONS = 50
const MOST_TEST_FAILURES = 10
const MOST_ARTIFACTS = 20

const STATE_WORDS: Readonly<Record<StepState, string>> = {
  waiting: 'not run',
  running: '▶️ running',
  passed: '✅ passed',
  ignored: '⚠️ failed, ignored',
  failed: '❌ failed',
  out_of_memory: '❌ out of memory',
  timed_out: '⏱️ timed out',
  cancelled: '⏹️ cancelled',
  infrastructure: '⚠️ Slipway failed',
}

export interface StageEndWords {
  readonly conclusion: Conclusion
  readonly reason: string | null
  readonly report: StageReport
  readonly durationMs: number
}

/** The stage waits for others of its pipeline. */
export function stageWaiting(waitsFor: readonly string[]): DesiredCheck {
  const names = waitsFor.join(', ')
  return {
    status: 'queued',
    conclusion: null,
    output: {
      title: `Waiting for ${names}`,
      summary: `Starts as soon as ${plain(names)} ended well.`,
      annotations: [],
    },
    buttons: [CANCEL],
  }
}

/** It stands in line for an instance. */
export function stageInLine(pool: string, place: number, estimateMs: number | null): DesiredCheck {
  const wait = estimateMs === null ? '' : `, about ${durationText(estimateMs)}`
  return {
    status: 'queued',
    conclusion: null,
    output: {
      title: `Place ${place} in the line for an instance of ${pool}${wait}`,
      summary: `The stage starts when it holds an instance of the pool ${code(pool)}. The line is fair between repositories.`,
      annotations: [],
    },
    buttons: [CANCEL],
  }
}

export function stageProgress(_name: string, report: StageReport): DesiredCheck {
  const attempt = report.attempts.at(-1)
  const running = attempt?.steps.find((step) => step.state === 'running')
  const again = report.attempts.length > 1 ? ` (attempt ${report.attempts.length})` : ''
  return {
    status: 'in_progress',
    conclusion: null,
    output: {
      title: running === undefined ? `Starting${again}` : `Running ${running.name}${again}`,
      summary: paragraphs(instanceLine(report), attempt !== undefined && stepTable(attempt)),
      annotations: [],
    },
    buttons: report.instance === null ? [CANCEL] : [CANCEL, EXTEND, RELEASE],
  }
}

export function stageEnd(_name: string, end: StageEndWords): DesiredCheck {
  const { report, conclusion } = end
  const isGood = conclusion === 'success'
  return {
    status: 'completed',
    conclusion,
    output: {
      title: title(end),
      summary: paragraphs(
        !isGood && failureLine(end),
        attemptTables(report),
        instanceLine(report),
        testLines(report),
        report.notices.map((notice) => `- ${plain(notice)}`).join('\n'),
        cacheLines(report),
        artifactLines(report),
        !isGood && report.logTail.length > 0 && `The last ${report.logTail.length} lines of the step:`,
        !isGood && report.logTail.length > 0 && block(report.logTail),
        !isGood && nextStep(end),
      ),
      annotations: annotations(report),
    },
    buttons: [REBUILD],
  }
}

function title({ conclusion, reason, report, durationMs }: StageEndWords): string {
  const took = durationText(durationMs)
  const attempt = report.attempts.at(-1)
  const failed = attempt === undefined ? undefined : culprit(attempt)
  const tries = report.attempts.length > 1 ? ` in attempt ${report.attempts.length}` : ''
  if (conclusion === 'success')
    return `Passed in ${took}${tries}${reason === 'tolerated' ? ', with failures that the file ignores' : ''}`
  if (conclusion === 'cancelled') return `Cancelled after ${took}: ${reason ?? 'by hand'}`
  if (reason === 'infra')
    return `Slipway failed, not your commit: ${attempt?.trouble?.message ?? failed?.cause ?? 'the host'}`
  const cause =
    attempt?.trouble?.message ?? (failed === undefined ? null : `${failed.name}: ${failed.cause ?? 'failed'}`)
  const word =
    conclusion === 'timed_out' ? 'Timed out' : conclusion === 'neutral' ? 'Failed, which the file ignores,' : 'Failed'
  return `${word} after ${took}${tries}${cause === null ? '' : `: ${cause}`}`
}

function failureLine({ conclusion, reason, report }: StageEndWords): string {
  if (conclusion === 'cancelled') return `Cancelled: ${plain(reason ?? 'by hand')}. Nothing of it is left running.`
  const attempt = report.attempts.at(-1)
  const failed = attempt === undefined ? undefined : culprit(attempt)
  const lead = reason === 'infra' ? '**Slipway failed, not your commit.** ' : ''
  if (attempt?.trouble != null) return `${lead}${plain(attempt.trouble.message)}.`
  return failed === undefined
    ? lead
    : `${lead}The step **${plain(failed.name)}** did not pass: ${plain(failed.cause ?? 'it failed')}.`
}

function attemptTables(report: StageReport): string {
  if (report.attempts.length === 1) return report.attempts.map(stepTable).join('')
  return report.attempts
    .map(
      (attempt) =>
        `**Attempt ${attempt.number}**${attempt.trouble === null ? '' : `: ${plain(attempt.trouble.message)}`}\n\n${stepTable(attempt)}`,
    )
    .join('\n\n')
}

function stepTable(attempt: AttemptReport): string {
  return table(
    ['Step', 'Image', 'Result', 'Time'],
    attempt.steps.map((step) => [
      plain(step.name),
      code(step.image),
      stateWords(step),
      step.durationMs === null ? '' : durationText(step.durationMs),
    ]),
  )
}

function stateWords(step: StepReport): string {
  const detail = step.state === 'failed' || step.state === 'ignored' ? step.cause : step.warning
  return detail === null ? STATE_WORDS[step.state] : `${STATE_WORDS[step.state]} (${plain(detail)})`
}

function instanceLine(report: StageReport): string | false {
  return report.instance !== null && `Instance: ${code(report.instance)}`
}

function testLines({ tests }: StageReport): string | false {
  if (tests === null) return false
  const counts = `Tests: ${tests.total - tests.failed - tests.skipped} passed, ${tests.failed} failed, ${tests.skipped} skipped.`
  const failures = tests.failures
    .slice(0, MOST_TEST_FAILURES)
    .map(({ name, message }) => `- ${plain(name)}: ${plain(message.split('\n')[0] ?? '')}`)
  return paragraphs(counts, failures.join('\n'))
}

function cacheLines({ caches }: StageReport): string {
  return caches
    .map(
      (cache) =>
        `- Cache ${code(cache.key)}: ${cache.outcome}${cache.detail === null ? '' : ` (${plain(cache.detail)})`}`,
    )
    .join('\n')
}

function artifactLines({ artifacts }: StageReport): string | false {
  if (artifacts.length === 0) return false
  const shown = artifacts
    .slice(0, MOST_ARTIFACTS)
    .map(({ path, size, sha256 }) => [code(path), `${size} B`, code(sha256.slice(0, 12))])
  const more = artifacts.length > MOST_ARTIFACTS ? `\n\nand ${artifacts.length - MOST_ARTIFACTS} more` : ''
  return table(['Artifact', 'Size', 'sha256'], shown) + more
}

function nextStep({ reason, conclusion }: StageEndWords): string | false {
  if (reason === 'infra')
    return 'Press **Re-run** to try again. If it stays like this, tell an admin: the Docker host needs a look.'
  if (reason === 'oom')
    return 'Let the step use less memory, or raise `resources.memory` of the stage (up to the admin’s limit).'
  if (conclusion === 'timed_out') return 'Make the stage faster, or raise its `timeout` (up to the admin’s limit).'
  if (conclusion === 'cancelled') return false
  return '`slipway run .github/slipway.yml` does the same on your machine.'
}

function annotations(report: StageReport): readonly Annotation[] {
  return report.annotations.slice(0, MOST_ANNOTATIONS)
}

function culprit(attempt: AttemptReport): StepReport | undefined {
  return attempt.steps.find((step) =>
    ['failed', 'out_of_memory', 'timed_out', 'infrastructure', 'cancelled'].includes(step.state),
  )
}
