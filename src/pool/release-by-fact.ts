/** Reservations end with what they were made for, whether or not anybody remembers to release them. */
import type { EndedHold, PoolStore, ReservationSelector } from './ports.ts'

export type EndedFact =
  | {
      readonly kind: 'workflow_run_completed'
      readonly owner: string
      readonly name: string
      readonly workflowRunId: number
      readonly runNumber: number
      /** A re-run has the same name: what it reserved after this moment is not the ended attempt's. */
      readonly completedAt: Date | null
    }
  | { readonly kind: 'pull_request_closed'; readonly repositoryId: number; readonly pullRequest: number }
  | { readonly kind: 'branch_deleted'; readonly repositoryId: number; readonly branch: string }
  /** An installation was removed, or repositories left it. */
  | {
      readonly kind: 'repositories_gone'
      readonly repositories: readonly { readonly id: number; readonly owner: string; readonly name: string }[]
    }

export async function releaseByFact(store: PoolStore, fact: EndedFact): Promise<readonly EndedHold[]> {
  const { selector, reason } = plan(fact)
  return store.end(selector, { ending: 'owner_gone', actor: 'github', reason })
}

function plan(fact: EndedFact): { readonly selector: ReservationSelector; readonly reason: string } {
  switch (fact.kind) {
    case 'workflow_run_completed':
      return {
        selector: {
          by: 'workflow_run',
          clientPrefix: [fact.owner, fact.name, fact.workflowRunId, fact.runNumber].join('--'),
          before: fact.completedAt,
        },
        reason: 'its workflow run completed',
      }
    case 'pull_request_closed':
      return {
        selector: { by: 'pull_request', repositoryId: fact.repositoryId, pullRequest: fact.pullRequest },
        reason: 'its pull request was closed',
      }
    case 'branch_deleted':
      return {
        selector: { by: 'branch', repositoryId: fact.repositoryId, branch: fact.branch },
        reason: 'its branch was deleted',
      }
    case 'repositories_gone':
      return {
        selector: {
          by: 'repositories',
          repositoryIds: fact.repositories.map(({ id }) => id),
          names: fact.repositories.map(({ owner, name }) => `${owner}/${name}`),
        },
        reason: 'its repository is no longer in the installation',
      }
  }
}
