/**
 * The sender of one installation's outbox, run as a job with the key `report:<installation>`, so that at any time one
 * process sends for it and the order of writes is the order of this loop.
 *
 * Each turn takes the most urgent report (completed ones first), one write out of the installation's budget, and sends
 * the newest desired state, whatever was skipped in between. Creating a check run is not idempotent on GitHub: before
 * the request the row says that a creation was begun, and after a lost answer the check run is looked up by its
 * external id (our run id) before anything is created again (invariant I3). As long as GitHub may still be at it, not
 * finding it proves nothing.
 *
 * GitHub knows nothing of leases, so a sender that was paused must find out itself: the row is asked under the lease as
 * the last thing before each request, requests end before a lease does, and whoever finds the lease gone after a
 * request has the present state sent again, in case an old one covered it.
 */
import { within } from '../core/deadline.ts'
import type { Clock } from '../core/clock.ts'
import { errorMessage } from '../core/errors.ts'
import type { Lease } from '../core/lease.ts'
import type { Logger } from '../core/logger.ts'
import { DONE, type JobHandler, type JobOutcome } from '../queue/ports.ts'
import { retryDelayMs } from '../core/retry.ts'
import { annotationsAfter, checkRunRequest } from './check-run-request.ts'
import type { GitHub } from './connect.ts'
import { classifyGitHubFailure } from './github-error.ts'
import type { CheckReportStore, PendingCheck, WriteBudgetStore } from './ports.ts'

/** A refusal may pass (the commit is not visible yet, a permission is being granted); after this many it is final. */
const MOST_REFUSALS = 8
/** Shorter than a lease: when a paused process goes on, its request is already over. */
const REQUEST_LIMIT_MS = 9_000
/** An outage is asked after at least this often, whatever a single report has been through. */
const LONGEST_OUTAGE_WAIT_MS = 5_000
/** A sender that never ends would keep a slot from other installations. */
const WRITES_PER_TURN = 100

export interface ReportSenderDeps {
  readonly github: GitHub
  readonly reports: CheckReportStore
  readonly budget: WriteBudgetStore
  readonly detailsUrl: (runId: string) => string
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** False in a dry run: reports stay in the database. */
  readonly isSending: boolean
  /** Other outboxes of the same installation (deployments): sends one write, or says that there is none. */
  readonly sendOther?: (installationId: number) => Promise<SendResult>
}

/** What became of one write. */
export type SendResult =
  | { readonly kind: 'nothing'; readonly nextInMs: number | null }
  | { readonly kind: 'sent' }
  | { readonly kind: 'wait'; readonly ms: number; readonly cause: string }

export function reportHandler(deps: ReportSenderDeps): JobHandler {
  return {
    async handle(job, signal) {
      const installationId = Number(job.payload['installationId'])
      if (!deps.isSending || deps.github.appId() === null) return DONE
      for (let write = 0; write < WRITES_PER_TURN && !signal.aborted; write++) {
        const outcome = await sendNext(deps, job.lease, installationId)
        if (outcome !== null) return outcome
      }
      return { kind: 'wait', delayMs: 0, cause: 'more reports to send' }
    },
  }
}

/** Sends one write; null when there may be more at once. */
async function sendNext(deps: ReportSenderDeps, lease: Lease, installationId: number): Promise<JobOutcome | null> {
  const pending = await deps.reports.nextCheck(installationId)
  if (pending !== null) {
    const waitMs = await deps.budget.take(installationId, pending.checkRunId === null)
    if (waitMs > 0) return { kind: 'wait', delayMs: waitMs, cause: 'the limit of writes to GitHub' }
    return await sendCheck(deps, lease, installationId, pending)
  }
  const other = await deps.sendOther?.(installationId)
  if (other?.kind === 'sent') return null
  if (other?.kind === 'wait') return { kind: 'wait', delayMs: other.ms, cause: other.cause }
  const waits = [await deps.reports.untilNextCheck(installationId), other?.nextInMs ?? null].filter((ms) => ms !== null)
  return waits.length === 0
    ? DONE
    : { kind: 'wait', delayMs: Math.min(...waits), cause: 'a report waits for its next try' }
}

async function sendCheck(
  deps: ReportSenderDeps,
  lease: Lease,
  installationId: number,
  pending: PendingCheck,
): Promise<JobOutcome | null> {
  try {
    // GitHub does not take a conclusion back: after `action_required` only the next conclusion is shown.
    if (pending.isShownCompleted && pending.desired.status !== 'completed') {
      const { version, annotationsSent } = pending
      return (await deps.reports.markSent(lease, pending.runId, { version, annotationsSent, isCompleted: true }))
        ? null
        : LOST
    }
    // The token first: fetching one may take as long as a lease.
    await deps.github.installation(installationId).auth({ type: 'installation' })
    const found = pending.checkRunId ?? (pending.mayExist ? await findCheckRun(deps, installationId, pending) : null)
    if (found === null && pending.creationSettlesInMs > 0) {
      await deps.reports.markFailed(pending.runId, 'its creation may be under way', pending.creationSettlesInMs)
      return null
    }
    if (!(await deps.reports.beginSending(lease, { ...pending, checkRunId: found }, found === null))) return LOST
    if (found === null) await createCheckRun(deps, installationId, pending)
    else await updateCheckRun(deps, installationId, pending, found)
    const annotationsSent = annotationsAfter(pending.desired, pending.annotationsSent)
    const isWhole = annotationsSent >= pending.desired.output.annotations.length
    const sentVersion = isWhole ? pending.version : pending.version - 1
    const isCompleted = pending.desired.status === 'completed'
    if (await deps.reports.markSent(lease, pending.runId, { version: sentVersion, annotationsSent, isCompleted }))
      return null
    await deps.reports.sendAgain(pending.runId)
    return LOST
  } catch (error) {
    return await onFailure(deps, installationId, pending, error)
  }
}

/** Another process sends for this installation now. */
const LOST: JobOutcome = { kind: 'wait', delayMs: 0, cause: 'the lease was lost' }

async function findCheckRun(
  deps: ReportSenderDeps,
  installationId: number,
  pending: PendingCheck,
): Promise<number | null> {
  const octokit = deps.github.installation(installationId)
  const { data } = await octokit.rest.checks.listForRef({
    owner: pending.owner,
    repo: pending.repository,
    ref: pending.sha,
    check_name: pending.name,
    filter: 'all',
    per_page: 100,
  })
  const id = data.check_runs.find((checkRun) => checkRun.external_id === pending.runId)?.id ?? null
  if (id !== null) await deps.reports.keepCheckRunId(pending.runId, id)
  return id
}

async function createCheckRun(deps: ReportSenderDeps, installationId: number, pending: PendingCheck): Promise<void> {
  const { data } = await deps.github.installation(installationId).request('POST /repos/{owner}/{repo}/check-runs', {
    owner: pending.owner,
    repo: pending.repository,
    head_sha: pending.sha,
    ...checkRunRequest(pending, deps.detailsUrl(pending.runId)),
    request: { signal: within(REQUEST_LIMIT_MS) },
  })
  await deps.reports.keepCheckRunId(pending.runId, Number(data.id))
}

async function updateCheckRun(
  deps: ReportSenderDeps,
  installationId: number,
  pending: PendingCheck,
  checkRunId: number,
): Promise<void> {
  await deps.github.installation(installationId).request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
    owner: pending.owner,
    repo: pending.repository,
    check_run_id: checkRunId,
    ...checkRunRequest(pending, deps.detailsUrl(pending.runId)),
    request: { signal: within(REQUEST_LIMIT_MS) },
  })
}

async function onFailure(
  deps: ReportSenderDeps,
  installationId: number,
  pending: PendingCheck,
  error: unknown,
): Promise<JobOutcome | null> {
  const failure = classifyGitHubFailure(error, deps.clock.now())
  deps.logger.warn({ runId: pending.runId, check: pending.name, failure }, 'a report could not be sent')
  const backoffMs = retryDelayMs(pending.failures, deps.random())
  if (pending.checkRunId === null && (failure.kind !== 'unavailable' || failure.isOver)) {
    await deps.reports.creationAnswered(pending.runId)
  }
  switch (failure.kind) {
    case 'limited':
      await deps.budget.block(installationId, failure.waitMs)
      await deps.reports.markFailed(pending.runId, failure.message, failure.waitMs)
      return { kind: 'wait', delayMs: failure.waitMs, cause: failure.message }
    case 'unavailable':
      await deps.reports.markFailed(pending.runId, failure.message, backoffMs)
      // GitHub as a whole does not answer: trying the others at once would only add to it.
      return { kind: 'wait', delayMs: Math.min(backoffMs, LONGEST_OUTAGE_WAIT_MS), cause: failure.message }
    case 'refused':
      if (pending.failures + 1 >= MOST_REFUSALS) await deps.reports.giveUp(pending.runId, errorMessage(error))
      else await deps.reports.markFailed(pending.runId, failure.message, backoffMs)
      return null
  }
}
