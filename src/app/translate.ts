/**
 * Payloads become Slipway's own events here and nowhere else: one function per webhook, each returns what happened or
 * null when it is nothing to us. `routes.ts` says which webhook goes to which.
 */
import type { z } from 'zod'
import type { PullRequestRef, RepositoryRef, SlipwayEvent } from '../core/events.ts'
import * as payloads from './payloads.ts'

const BRANCH = 'refs/heads/'
const TAG = 'refs/tags/'
/** Branches of the merge queue: their checks are asked for by `merge_group`, so the push says nothing new. */
const MERGE_QUEUE = 'gh-readonly-queue/'
/** What GitHub sends where there is no commit. */
const NO_COMMIT = /^0+$/

export function translatePush(payload: unknown): SlipwayEvent | null {
  const push = payloads.pushPayload.parse(payload)
  const repository = repositoryRef(push)
  if (push.ref.startsWith(TAG)) {
    const tag = push.ref.slice(TAG.length)
    if (push.deleted) return { kind: 'tag_deleted', repository, tag }
    return { kind: 'tag_pushed', repository, tag, sha: push.head_commit?.id ?? null, actor: push.sender?.login ?? null }
  }
  if (!push.ref.startsWith(BRANCH)) return null
  const branch = push.ref.slice(BRANCH.length)
  if (branch.startsWith(MERGE_QUEUE)) return null
  if (push.deleted) return { kind: 'branch_deleted', repository, branch }
  return {
    kind: 'branch_pushed',
    repository,
    branch,
    sha: push.after,
    before: NO_COMMIT.test(push.before) ? null : push.before,
    treeSha: push.head_commit?.id === push.after ? push.head_commit.tree_id : null,
    message: push.head_commit?.message ?? '',
    forced: push.forced,
    actor: push.sender?.login ?? null,
  }
}

/** A second witness of a new tag; its commit is looked up. A new branch is told by its push. */
export function translateCreate(payload: unknown): SlipwayEvent | null {
  const created = payloads.refPayload.parse(payload)
  if (created.ref_type !== 'tag') return null
  return {
    kind: 'tag_pushed',
    repository: repositoryRef(created),
    tag: created.ref,
    sha: null,
    actor: created.sender?.login ?? null,
  }
}

export function translateDelete(payload: unknown): SlipwayEvent | null {
  const deleted = payloads.refPayload.parse(payload)
  const repository = repositoryRef(deleted)
  if (deleted.ref_type === 'tag') return { kind: 'tag_deleted', repository, tag: deleted.ref }
  return { kind: 'branch_deleted', repository, branch: deleted.ref }
}

const ACTIONS_WITH_NEW_HEAD = ['opened', 'synchronize', 'reopened', 'ready_for_review']

export function translatePullRequest(payload: unknown): SlipwayEvent | null {
  const event = payloads.pullRequestPayload.parse(payload)
  const repository = repositoryRef(event)
  const pullRequest = pullRequestRef(event.pull_request, repository)
  if (event.action === 'closed') {
    return { kind: 'pull_request_closed', repository, pullRequest, merged: event.pull_request.merged === true }
  }
  // An edited pull request may have another base, and the base decides about a fork's configuration.
  if (!ACTIONS_WITH_NEW_HEAD.includes(event.action) && event.action !== 'edited') return null
  return { kind: 'pull_request_changed', repository, pullRequest, actor: event.sender?.login ?? null }
}

/** Re-run of one check run, or one of our buttons. Other apps' check runs are not our business. */
export function translateCheckRun(payload: unknown, appId: number | null): SlipwayEvent | null {
  const event = payloads.checkRunPayload.parse(payload)
  const runId = event.check_run.external_id ?? null
  if (isForeign(event.check_run.app, appId) || runId === null) return null
  const repository = repositoryRef(event)
  const actor = event.sender?.login ?? ''
  if (event.action === 'rerequested') {
    return { kind: 'rerun_requested', repository, sha: event.check_run.head_sha, runId, actor }
  }
  if (event.action !== 'requested_action' || event.requested_action == null) return null
  return { kind: 'button_pressed', repository, runId, button: event.requested_action.identifier, actor }
}

export function translateCheckSuite(payload: unknown, appId: number | null): SlipwayEvent | null {
  const event = payloads.checkSuitePayload.parse(payload)
  if (event.action !== 'rerequested' || isForeign(event.check_suite.app, appId)) return null
  return {
    kind: 'rerun_requested',
    repository: repositoryRef(event),
    sha: event.check_suite.head_sha,
    runId: null,
    actor: event.sender?.login ?? '',
  }
}

export function translateMergeGroup(payload: unknown): SlipwayEvent | null {
  const event = payloads.mergeGroupPayload.parse(payload)
  const repository = repositoryRef(event)
  const { head_sha: headSha, head_ref: headRef, base_ref: baseRef, base_sha: baseSha } = event.merge_group
  if (event.action === 'destroyed') return { kind: 'merge_group_destroyed', repository, headSha }
  if (event.action !== 'checks_requested') return null
  return { kind: 'merge_group_requested', repository, headSha, headRef, baseRef, baseSha }
}

export function translateWorkflowRun(payload: unknown): SlipwayEvent | null {
  const event = payloads.workflowRunPayload.parse(payload)
  if (event.action !== 'completed') return null
  const { id, run_number: runNumber, updated_at: updatedAt } = event.workflow_run
  const completedAt = updatedAt == null ? null : new Date(updatedAt)
  return { kind: 'workflow_run_completed', repository: repositoryRef(event), workflowRunId: id, runNumber, completedAt }
}

const INSTALLATION_CHANGES = {
  created: 'created',
  deleted: 'deleted',
  suspend: 'suspended',
  unsuspend: 'unsuspended',
  new_permissions_accepted: 'permissions_accepted',
} as const

export function translateInstallation(payload: unknown): SlipwayEvent | null {
  const event = payloads.installationPayload.parse(payload)
  if (!isKeyOf(INSTALLATION_CHANGES, event.action)) return null
  return {
    kind: 'installation_changed',
    installationId: event.installation.id,
    account: event.installation.account?.login ?? '',
    change: INSTALLATION_CHANGES[event.action],
    permissions: event.installation.permissions,
    repositories: event.repositories.map(shortRef),
  }
}

export function translateInstallationRepositories(payload: unknown): SlipwayEvent | null {
  const event = payloads.installationRepositoriesPayload.parse(payload)
  return {
    kind: 'installation_repositories_changed',
    installationId: event.installation.id,
    added: event.repositories_added.map((part) => ({ ...shortRef(part), isPrivate: part.private })),
    removed: event.repositories_removed.map(shortRef),
  }
}

const REPOSITORY_CHANGES = {
  renamed: 'renamed',
  transferred: 'transferred',
  deleted: 'deleted',
  archived: 'archived',
  unarchived: 'unarchived',
  edited: 'edited',
  privatized: 'privatized',
  publicized: 'publicized',
} as const

export function translateRepository(payload: unknown): SlipwayEvent | null {
  const event = payloads.repositoryPayload.parse(payload)
  if (!isKeyOf(REPOSITORY_CHANGES, event.action)) return null
  return { kind: 'repository_changed', repository: repositoryRef(event), change: REPOSITORY_CHANGES[event.action] }
}

export function repositoryRef(event: {
  readonly repository: z.infer<typeof payloads.repositoryPart>
  readonly installation: { readonly id: number }
}): RepositoryRef {
  const { repository } = event
  return {
    ...shortRef(repository),
    installationId: event.installation.id,
    isPrivate: repository.private,
    defaultBranch: repository.default_branch,
    cloneUrl: repository.clone_url,
    htmlUrl: repository.html_url,
  }
}

function pullRequestRef(
  part: z.infer<typeof payloads.pullRequestPayload>['pull_request'],
  repository: RepositoryRef,
): PullRequestRef {
  return {
    number: part.number,
    headSha: part.head.sha,
    headRef: part.head.ref,
    headRepository: part.head.repo?.full_name ?? null,
    // A deleted head repository was not ours, or it would be the one that tells us.
    isFork: part.head.repo?.id !== repository.id,
    baseRef: part.base.ref,
    baseSha: part.base.sha,
    author: part.user?.login ?? 'ghost',
    title: part.title,
    isDraft: part.draft,
  }
}

function shortRef(part: { readonly id: number; readonly full_name: string }): {
  id: number
  owner: string
  name: string
} {
  const [owner = '', name = ''] = part.full_name.split('/')
  return { id: part.id, owner, name }
}

function isForeign(app: { readonly id: number } | null | undefined, appId: number | null): boolean {
  return app != null && appId !== null && app.id !== appId
}

function isKeyOf<Table extends object>(table: Table, key: string): key is Extract<keyof Table, string> {
  return Object.hasOwn(table, key)
}
