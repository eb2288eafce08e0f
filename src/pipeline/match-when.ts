import { matchesGlob } from '../config/glob.ts'
import type { PipelineTriggers, WhenRule } from '../config/repository-config.ts'
import { pipelineEvent, type PipelineSource } from './pipeline-source.ts'
import { allOf, anyOf, reason, type Reason } from './reason.ts'

/** Files named in an explanation; more would drown it. */
const NAMED_FILES = 3

/** Whether the pipeline reacts to the event at all. */
export function matchTriggers(on: PipelineTriggers, source: PipelineSource): Reason {
  const event = pipelineEvent(source.event)
  switch (event) {
    case 'push':
      return on.push === null ? silent(event) : matchName('branch', source.branch, on.push.branches)
    case 'pull_request':
      return on.pullRequest === null
        ? silent(event)
        : matchName('base branch', source.baseBranch, on.pullRequest.branches)
    case 'tag':
      return on.tag === null ? silent(event) : matchName('tag', source.tag, on.tag.tags)
    case 'schedule':
      return reason(
        on.schedule.some(
          (entry) => entry.cron === source.cron && (entry.branch ?? source.defaultBranch) === source.branch,
        ),
        `schedule ${source.cron ?? ''} of ${source.branch ?? ''}`,
      )
    case 'manual':
      return on.manual === null ? silent(event) : reason(true, `started by ${source.actor ?? 'hand'}`)
    case 'merge_group':
      // The queue waits for the checks of the pull requests it holds.
      return on.pullRequest === null ? silent('pull_request') : reason(true, 'event merge_group')
  }
}

/** Whether a stage runs: any rule has to hold, and within it everything it names. */
export function matchWhen(rules: readonly WhenRule[], source: PipelineSource): Reason {
  if (rules.length === 0) return reason(true, 'no conditions')
  return anyOf(
    'when',
    rules.map((rule, index) => matchRule(rule, index, source)),
  )
}

function matchRule(rule: WhenRule, index: number, source: PipelineSource): Reason {
  const event = pipelineEvent(source.event)
  const parts: Reason[] = []
  if (rule.event !== null) {
    const asked = rule.event
    parts.push(
      reason(
        asked.includes(event),
        asked.includes(event) ? `event ${event}` : `event ${event} is not ${asked.join(' or ')}`,
      ),
    )
  }
  if (rule.branch !== null) parts.push(matchName('branch', source.baseBranch ?? source.branch, rule.branch))
  if (rule.paths !== null) parts.push(matchPaths(rule.paths, source.changedFiles))
  return allOf(`condition ${index + 1}`, parts.length === 0 ? [reason(true, 'no conditions')] : parts)
}

function matchName(what: string, value: string | null, patterns: readonly string[]): Reason {
  if (value === null) return reason(false, `there is no ${what}`)
  const holds = matchesGlob(patterns, value)
  return reason(holds, holds ? `${what} ${value}` : `${what} ${value} does not match ${patterns.join(', ')}`)
}

function matchPaths(patterns: readonly string[], changed: readonly string[] | null): Reason {
  if (changed === null) return reason(true, 'nothing to compare with, so every path counts as changed')
  const hits = changed.filter((path) => matchesGlob(patterns, path))
  if (hits.length === 0) return reason(false, `no changed file matches ${patterns.join(', ')}`)
  const more = hits.length > NAMED_FILES ? ` and ${hits.length - NAMED_FILES} more` : ''
  return reason(true, `changed: ${hits.slice(0, NAMED_FILES).join(', ')}${more}`)
}

function silent(event: string): Reason {
  return reason(false, `the pipeline has no on.${event}`)
}

const SKIP_MARKS = ['[skip ci]', '[ci skip]', '[no ci]'] as const
/** Starts that somebody or a clock asked for are not skipped by what a commit says. */
const SKIPPABLE = ['push', 'pull_request', 'merge_group']

/** The mark in the head commit's message that skips stages, or null. */
export function skipMark(source: PipelineSource): string | null {
  if (!SKIPPABLE.includes(pipelineEvent(source.event))) return null
  const message = source.message.toLowerCase()
  return SKIP_MARKS.find((mark) => message.includes(mark)) ?? null
}
