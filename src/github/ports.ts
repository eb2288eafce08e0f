/** What the outbox keeps its reports and its budget in; implemented in `store/reports.ts`. */
import type { DesiredCheck } from '../core/check.ts'
import type { Lease } from '../core/lease.ts'

export interface PendingCheck {
  readonly runId: string
  readonly repositoryId: number
  readonly owner: string
  readonly repository: string
  readonly sha: string
  readonly name: string
  readonly attempt: number
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly completedAt: Date | null
  readonly checkRunId: number | null
  /** A creation was begun before and its answer never recorded. */
  readonly mayExist: boolean
  /** For so long a begun creation may still be done by GitHub, so that not finding it proves nothing yet. */
  readonly creationSettlesInMs: number
  readonly desired: DesiredCheck
  readonly version: number
  readonly annotationsSent: number
  /** GitHub shows a conclusion already (`action_required` while a person is waited for). */
  readonly isShownCompleted: boolean
  readonly failures: number
}

export interface CheckReportStore {
  /** The next report of the installation to send: completed ones first, then the oldest. */
  nextCheck(installationId: number): Promise<PendingCheck | null>
  /** Milliseconds until a report that waits for its next try is due, null when none waits. */
  untilNextCheck(installationId: number): Promise<number | null>
  /**
   * The last word before a request goes out, and for a creation the mark that one was begun. False when somebody else
   * sends for this installation by now, or has sent this state: then nothing may be sent.
   */
  beginSending(
    lease: Lease,
    pending: Pick<PendingCheck, 'runId' | 'version' | 'checkRunId'>,
    isCreation: boolean,
  ): Promise<boolean>
  /** GitHub answered a creation with an error: whatever it did is done, and can be looked up. */
  creationAnswered(runId: string): Promise<void>
  /** GitHub's id is known; it is kept before anything else happens. */
  keepCheckRunId(runId: string, checkRunId: number): Promise<void>
  /** False when the lease was lost meanwhile: what was sent may have covered something newer. */
  markSent(
    lease: Lease,
    runId: string,
    sent: { readonly version: number; readonly annotationsSent: number; readonly isCompleted: boolean },
  ): Promise<boolean>
  /** Has the state as it is now sent once more. */
  sendAgain(runId: string): Promise<void>
  markFailed(runId: string, cause: string, retryInMs: number): Promise<void>
  giveUp(runId: string, cause: string): Promise<void>
  installationsWithUnsent(): Promise<readonly number[]>
}

export interface WriteBudgetStore {
  /** Takes one write out of the installation's bucket: 0, or milliseconds until one is there. */
  take(installationId: number, isCreation: boolean): Promise<number>
  /** GitHub said to wait. */
  block(installationId: number, forMs: number): Promise<void>
}
