/** Words that every kind of run shares: waiting, held for approval, superseded, given up. */
import type { DesiredCheck } from '../core/check.ts'
import type { Conclusion } from '../core/run.ts'
import { APPROVE, CANCEL, REBUILD } from './buttons.ts'
import { code, paragraphs, plain } from './markdown.ts'

export function queuedCheck(what: string): DesiredCheck {
  return {
    status: 'queued',
    conclusion: null,
    output: {
      title: 'Waiting for a free place',
      summary: `${plain(what)} starts as soon as a Docker host has a free place.`,
      annotations: [],
    },
    buttons: [CANCEL],
  }
}

/** A fork's commit waits for a person: neither red nor green. */
export function approvalCheck(input: {
  readonly author: string
  readonly sha: string
  readonly asks: readonly string[]
}): DesiredCheck {
  const asks = input.asks.map((ask) => `- ${plain(ask)}`).join('\n')
  return {
    status: 'completed',
    conclusion: 'action_required',
    output: {
      title: 'Waiting for approval: this commit comes from a fork',
      summary: paragraphs(
        `Someone with write permission has to look at the changes of ${plain(input.author)} and press **Approve**. ` +
          `The approval counts for ${code(input.sha.slice(0, 12))} only; a new push asks again.`,
        asks !== '' && `What would run:\n\n${asks}`,
        'Commits from forks never get secrets, and share no cache with trusted builds.',
      ),
      annotations: [],
    },
    buttons: [APPROVE],
  }
}

export function cancelledCheck(cause: string): DesiredCheck {
  return {
    status: 'completed',
    conclusion: 'cancelled',
    output: {
      title: `Cancelled: ${cause}`,
      summary: `${plain(cause)}. Nothing of it is left running.`,
      annotations: [],
    },
    buttons: [REBUILD],
  }
}

/** Who or what cancelled, for the title. */
export function supersededBy(sha: string): string {
  return `superseded by ${sha.slice(0, 12)}`
}

export function skippedCheck(why: string): DesiredCheck {
  return {
    status: 'completed',
    conclusion: 'skipped',
    output: { title: `Skipped: ${why}`, summary: `${plain(why)}.`, annotations: [] },
    buttons: [],
  }
}

/** Our fault, said as ours: the author of the commit can do nothing about it. */
export function slipwayFailedCheck(cause: string, detailsUrl: string): DesiredCheck {
  return {
    status: 'completed',
    conclusion: 'failure',
    output: {
      title: 'Slipway failed, not your commit',
      summary: paragraphs(
        `Slipway could not finish this run: ${plain(cause)}`,
        `Nothing is wrong with the commit as far as Slipway knows. Press **Re-run** to try again; if it fails again, an admin finds the details on [the run’s page](${detailsUrl}).`,
      ),
      annotations: [],
    },
    buttons: [REBUILD],
  }
}

/** For a run whose time is over although nobody worked on it any more. */
export function overdueCheck(limitText: string): DesiredCheck {
  return {
    status: 'completed',
    conclusion: 'timed_out',
    output: {
      title: `Timed out after ${limitText}`,
      summary: `The run did not end within its limit of ${limitText} and was given up.`,
      annotations: [],
    },
    buttons: [REBUILD],
  }
}

export const WORD_OF: Readonly<Record<Conclusion, string>> = {
  success: 'succeeded',
  failure: 'failed',
  cancelled: 'was cancelled',
  timed_out: 'timed out',
  skipped: 'was skipped',
  neutral: 'ended',
  action_required: 'needs approval',
}
