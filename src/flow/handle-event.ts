/** What happens after an event: the table of SPEC section 5, one file a row. Each handler is safe to repeat. */
import type { SlipwayEvent } from '../core/events.ts'
import type { FlowDeps } from './deps.ts'
import { onBranchDeleted, onBranchPushed } from './on-branch.ts'
import { onButtonPressed } from './on-button.ts'
import { onInstallationChanged, onInstallationRepositoriesChanged, onRepositoryChanged } from './on-installation.ts'
import { onMergeGroupDestroyed, onMergeGroupRequested } from './on-merge-group.ts'
import { onPullRequestChanged, onPullRequestClosed } from './on-pull-request.ts'
import { onRerunRequested } from './on-rerun.ts'
import { onTagPushed } from './on-tag.ts'

export async function handleEvent(deps: FlowDeps, event: SlipwayEvent): Promise<void> {
  switch (event.kind) {
    case 'branch_pushed':
      return await onBranchPushed(deps, event)
    case 'branch_deleted':
      return await onBranchDeleted(deps, event)
    case 'tag_pushed':
      return await onTagPushed(deps, event)
    case 'tag_deleted':
      return await deps.hooks.tagDeleted(event.repository, event.tag)
    case 'pull_request_changed':
      return await onPullRequestChanged(deps, event)
    case 'pull_request_closed':
      return await onPullRequestClosed(deps, event)
    case 'merge_group_requested':
      return await onMergeGroupRequested(deps, event)
    case 'merge_group_destroyed':
      return await onMergeGroupDestroyed(deps, event)
    case 'rerun_requested':
      return await onRerunRequested(deps, event)
    case 'button_pressed':
      return await onButtonPressed(deps, event)
    case 'workflow_run_completed':
      return await deps.hooks.workflowRunCompleted(event)
    case 'installation_changed':
      return await onInstallationChanged(deps, event)
    case 'installation_repositories_changed':
      return await onInstallationRepositoriesChanged(deps, event)
    case 'repository_changed':
      return await onRepositoryChanged(deps, event)
  }
}
