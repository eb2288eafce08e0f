/** The door between a row of `runs` and the type: what the constraints of the table guarantee is trusted here. */
import type { Conclusion, Run, RunEvent, RunKind, RunState, Trust } from '../core/run.ts'
import { raw } from './database.ts'

export const RUN_COLUMNS = raw(
  `runs.id, runs.kind, runs.repository_id, runs.sha, runs.name, runs.attempt, runs.state, runs.conclusion, runs.reason,
   runs.event, runs.trust, runs.ref, runs.branch, runs.tag, runs.pull_request, runs.actor, runs.group_id,
   runs.supersede_key, runs.plan, runs.timeout_ms, runs.result, runs.cancel_requested_at, runs.cancel_reason, runs.created_at,
   runs.started_at, runs.completed_at`,
)

export interface RunRow {
  readonly id: string
  readonly kind: RunKind
  readonly repository_id: string
  readonly sha: string
  readonly name: string
  readonly attempt: number
  readonly state: RunState
  readonly conclusion: Conclusion | null
  readonly reason: string | null
  readonly event: RunEvent
  readonly trust: Trust
  readonly ref: string
  readonly branch: string | null
  readonly tag: string | null
  readonly pull_request: number | null
  readonly actor: string | null
  readonly group_id: string
  readonly supersede_key: string | null
  readonly plan: unknown
  readonly timeout_ms: string
  readonly result: unknown
  readonly cancel_requested_at: Date | null
  readonly cancel_reason: string | null
  readonly created_at: Date
  readonly started_at: Date | null
  readonly completed_at: Date | null
}

export function toRun(row: RunRow): Run {
  return {
    id: row.id,
    kind: row.kind,
    repositoryId: Number(row.repository_id),
    sha: row.sha,
    name: row.name,
    attempt: row.attempt,
    state: row.state,
    conclusion: row.conclusion,
    reason: row.reason,
    source: {
      event: row.event,
      trust: row.trust,
      ref: row.ref,
      branch: row.branch,
      tag: row.tag,
      pullRequest: row.pull_request,
      actor: row.actor,
    },
    groupId: row.group_id,
    supersedeKey: row.supersede_key,
    plan: row.plan,
    timeoutMs: Number(row.timeout_ms),
    result: row.result,
    cancelRequestedAt: row.cancel_requested_at,
    cancelReason: row.cancel_reason,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  }
}
