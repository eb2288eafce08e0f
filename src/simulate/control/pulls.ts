/** Pull requests and merge queues, moved by people. */
import { findCommit } from '../git/commits.ts'
import { deleteRef, mergeCommits, updateRef } from '../git/merge-commits.ts'
import type { JsonObject } from '../json.ts'
import { flag, text, whole } from '../json.ts'
import { repositoryApi, repositoryPage } from '../present/addresses.ts'
import { presentAccount } from '../present/account.ts'
import { presentIssueOf, presentLabel, presentPullRequest, repositoryOf } from '../present/pull-request.ts'
import { refuse } from '../rest/answer.ts'
import { changeRefs } from '../webhooks/change-refs.ts'
import { emitWebhook } from '../webhooks/emit-webhook.ts'
import { announcePullRequest, closePullRequest, refreshPullRequest } from '../webhooks/pull-request-events.ts'
import { findRepository } from '../world/find-repository.ts'
import type { Account } from '../world/identities.ts'
import type { PullRequest, Repository } from '../world/repositories.ts'
import type { ControlCall, ControlRoute } from './control-route.ts'
import { needNumber, needRepository, needText, senderOf } from './control-route.ts'

export const pullRoutes: readonly ControlRoute[] = [
  { method: 'POST', path: '/repos/:owner/:name/pulls', answer: (call) => openPullRequest(call) },
  { method: 'POST', path: '/repos/:owner/:name/pulls/:number/:verb', answer: (call) => movePullRequest(call) },
  { method: 'POST', path: '/repos/:owner/:name/merge-groups', answer: (call) => requestMergeGroup(call) },
  { method: 'POST', path: '/repos/:owner/:name/merge-groups/destroy', answer: (call) => destroyMergeGroup(call) },
]

async function openPullRequest(call: ControlCall): Promise<JsonObject> {
  const { world, body } = call
  const base = needRepository(call)
  const [forkOwner = '', forkName = ''] = (text(body, 'fork') ?? '').split('/')
  const head = forkOwner === '' ? base : findRepository(world, forkOwner, forkName)
  const headRef = needText(call, 'head')
  const headSha = head?.refs.get(`refs/heads/${headRef}`)?.commit
  const baseRef = text(body, 'base') ?? base.defaultBranch
  const baseSha = base.refs.get(`refs/heads/${baseRef}`)?.commit
  if (head === undefined || headSha === undefined) throw refuse(422, `there is no branch ${headRef}`)
  if (baseSha === undefined) throw refuse(422, `there is no branch ${baseRef}`)
  const user = senderOf(call, head)
  const at = world.now().toISOString()
  const pull: PullRequest = {
    id: world.nextId(),
    number: world.pullRequests.filter(({ repositoryId }) => repositoryId === base.id).length + 1,
    repositoryId: base.id,
    headRepositoryId: head.id,
    headRef,
    headSha,
    baseRef,
    baseSha,
    mergeSha: null,
    mergeable: true,
    title: text(body, 'title') ?? headRef,
    body: text(body, 'body') ?? null,
    userId: user.id,
    state: 'open',
    merged: false,
    mergedBy: null,
    draft: flag(body, 'draft') ?? false,
    labels: [],
    createdAt: at,
    updatedAt: at,
    closedAt: null,
    mergedAt: null,
  }
  world.pullRequests.push(pull)
  await refreshPullRequest(world, pull, headSha)
  await announcePullRequest(world, pull, 'opened', user)
  return presentPullRequest(world, pull)
}

async function movePullRequest(call: ControlCall): Promise<JsonObject> {
  const { world } = call
  const repository = needRepository(call)
  const number = needNumber(call, 'number')
  const pull = world.pullRequests.find(
    (candidate) => candidate.repositoryId === repository.id && candidate.number === number,
  )
  if (pull === undefined) throw refuse(404, `there is no pull request ${number}`)
  const sender = senderOf(call, repository)
  switch (call.path['verb']) {
    case 'close':
      await closePullRequest(world, pull, sender)
      break
    case 'reopen':
      pull.state = 'open'
      pull.closedAt = null
      await refreshPullRequest(
        world,
        pull,
        repositoryOf(world, pull.headRepositoryId).refs.get(`refs/heads/${pull.headRef}`)?.commit ?? pull.headSha,
      )
      await announcePullRequest(world, pull, 'reopened', sender)
      break
    case 'synchronize':
      await announcePullRequest(world, pull, 'synchronize', sender, { before: pull.headSha, after: pull.headSha })
      break
    case 'label': {
      const label = needText(call, 'label')
      if (!pull.labels.includes(label)) pull.labels.push(label)
      await announcePullRequest(world, pull, 'labeled', sender, {
        label: presentLabel(repositoryApi(world, repository), label, pull.id * 100),
      })
      break
    }
    case 'comment':
      comment(call, repository, pull, sender)
      break
    case 'merge':
      await merge(call, repository, pull, sender)
      break
    default:
      throw refuse(404, `a pull request cannot ${call.path['verb'] ?? ''}`)
  }
  return presentPullRequest(world, pull)
}

/** The push that this is closes the pull request as merged. */
async function merge(
  { world }: ControlCall,
  repository: Repository,
  pull: PullRequest,
  sender: Account,
): Promise<void> {
  const message = `Merge pull request #${pull.number} from ${pull.headRef}\n\n${pull.title}`
  const sha = await mergeCommits(repository, pull.baseSha, pull.headSha, message)
  if (sha === undefined) throw refuse(409, 'the pull request conflicts with its base')
  await changeRefs(world, repository, sender, () => updateRef(repository, `refs/heads/${pull.baseRef}`, sha))
}

function comment(call: ControlCall, repository: Repository, pull: PullRequest, sender: Account): void {
  const { world } = call
  const at = world.now().toISOString()
  const id = world.nextId()
  const payload = {
    issue: presentIssueOf(world, pull),
    comment: {
      id,
      body: needText(call, 'body'),
      user: presentAccount(world, sender),
      url: `${repositoryApi(world, repository)}/issues/comments/${id}`,
      html_url: `${repositoryPage(world, repository)}/pull/${pull.number}#issuecomment-${id}`,
      created_at: at,
      updated_at: at,
      author_association: 'COLLABORATOR',
    },
  }
  emitWebhook(world, { event: 'issue_comment', action: 'created', sender, repository, payload })
}

/** A group of one: the pull request merged onto its base, on a branch of GitHub's own that is announced as a push too. */
async function requestMergeGroup(call: ControlCall): Promise<JsonObject> {
  const { world } = call
  const repository = needRepository(call)
  const sender = senderOf(call, repository)
  const pull = world.pullRequests.find(
    (candidate) => candidate.repositoryId === repository.id && candidate.number === whole(call.body, 'pull'),
  )
  if (pull === undefined) throw refuse(404, 'there is no such pull request')
  const sha = await mergeCommits(
    repository,
    pull.baseSha,
    pull.headSha,
    `Merge pull request #${pull.number} from ${pull.headRef}`,
  )
  if (sha === undefined) throw refuse(409, 'the pull request conflicts with its base')
  const ref = `refs/heads/gh-readonly-queue/${pull.baseRef}/pr-${pull.number}-${pull.baseSha}`
  await changeRefs(world, repository, sender, () => updateRef(repository, ref, sha))
  const group = await describeGroup(repository, ref, sha, pull.baseRef, pull.baseSha)
  emitWebhook(world, {
    event: 'merge_group',
    action: 'checks_requested',
    sender,
    repository,
    payload: { merge_group: group },
  })
  return group
}

async function destroyMergeGroup(call: ControlCall): Promise<JsonObject> {
  const { world } = call
  const repository = needRepository(call)
  const sender = senderOf(call, repository)
  const ref = needText(call, 'ref')
  const sha = repository.refs.get(ref)?.commit
  const commit = sha === undefined ? undefined : await findCommit(repository, sha)
  if (sha === undefined || commit === undefined) throw refuse(404, `there is no ${ref}`)
  const base = ref.split('/').slice(3, -1).join('/')
  const group = await describeGroup(repository, ref, sha, base, commit.parents[0] ?? sha)
  const reason = text(call.body, 'reason') ?? 'invalidated'
  emitWebhook(world, {
    event: 'merge_group',
    action: 'destroyed',
    sender,
    repository,
    payload: { merge_group: group, reason },
  })
  await changeRefs(world, repository, sender, async () => {
    if (reason === 'merged') await updateRef(repository, `refs/heads/${base}`, sha)
    await deleteRef(repository, ref)
  })
  return group
}

async function describeGroup(
  repository: Repository,
  ref: string,
  sha: string,
  base: string,
  baseSha: string,
): Promise<JsonObject> {
  const commit = await findCommit(repository, sha)
  if (commit === undefined) throw refuse(404, `there is no commit ${sha}`)
  const { name, email } = commit.author
  return {
    head_sha: sha,
    head_ref: ref,
    base_sha: baseSha,
    base_ref: `refs/heads/${base}`,
    head_commit: {
      id: sha,
      tree_id: commit.tree,
      message: commit.message,
      timestamp: commit.committer.date,
      author: { name, email },
      committer: { name, email },
    },
  }
}
