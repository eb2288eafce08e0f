import type { Run } from '../core/run.ts'

export const PACKAGE_BUILD_STATES = [
  'queued',
  'preparing',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'lost',
] as const
export type PackageBuildState = (typeof PACKAGE_BUILD_STATES)[number]

/** Reasons of a failure that nothing in the commit caused: the work itself was lost. */
const LOST_REASONS: ReadonlySet<string> = new Set(['lost', 'infra'])

/** A build's state is read off its run, so that the two can never disagree. */
export function packageBuildState(run: Pick<Run, 'state' | 'conclusion' | 'reason' | 'result'>): PackageBuildState {
  if (run.state === 'queued') return 'queued'
  if (run.state === 'in_progress') return isBuilding(run.result) ? 'running' : 'preparing'
  switch (run.conclusion) {
    case 'success':
    case 'neutral':
      return 'succeeded'
    case 'timed_out':
      return 'timed_out'
    case 'cancelled':
    case 'skipped':
      return 'cancelled'
    case 'failure':
    case 'action_required':
    case null:
      return run.reason !== null && LOST_REASONS.has(run.reason) ? 'lost' : 'failed'
  }
}

function isBuilding(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'phase' in result && result.phase !== 'preparing'
}
