/**
 * Derives what GitHub would announce from the difference between a repository's refs before and after a change, be it
 * a `git push`, the REST API or the control API.
 */
import { isAncestor, listCommits } from '../git/commits.ts'
import { listChangedPaths } from '../git/file-changes.ts'
import { readTag } from '../git/tree-entries.ts'
import type { JsonObject } from '../json.ts'
import { repositoryPage } from '../present/addresses.ts'
import type { Account } from '../world/identities.ts'
import { installationOf } from '../world/installations.ts'
import type { Commit, Ref, Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import { requestSuite } from './check-events.ts'
import { emitWebhook } from './emit-webhook.ts'
import { synchronizePullRequests } from './pull-request-events.ts'

export type Refs = ReadonlyMap<string, Ref>

/** More tags than this in one push are announced by no event at all. */
const maxAnnouncedTags = 3
/** A push names at most this many commits. */
const maxPushedCommits = 2_048
const nothing = '0'.repeat(40)

interface RefChange {
  readonly name: string
  readonly before: Ref | undefined
  readonly after: Ref | undefined
}

export async function announceRefChanges(
  world: World,
  repository: Repository,
  before: Refs,
  sender: Account,
): Promise<void> {
  const changes = listChanges(before, repository.refs)
  if (changes.length > 0) repository.pushedAt = world.now().toISOString()
  const tags = changes.filter(({ name }) => name.startsWith('refs/tags/'))
  const branches = changes.filter(({ name }) => name.startsWith('refs/heads/'))
  for (const change of [...branches, ...(tags.length > maxAnnouncedTags ? [] : tags)])
    await announce(world, repository, change, sender)
  for (const { name, before: old, after } of branches) {
    await synchronizePullRequests(world, repository, {
      branch: name.slice('refs/heads/'.length),
      before: old?.commit,
      after: after?.commit,
      sender,
    })
  }
}

function listChanges(before: Refs, after: Refs): RefChange[] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names]
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }))
    .filter((change) => change.before?.sha !== change.after?.sha)
}

async function announce(world: World, repository: Repository, change: RefChange, sender: Account): Promise<void> {
  const { name, before, after } = change
  const tag = name.startsWith('refs/tags/')
  const about: JsonObject = {
    ref: name.replace(/^refs\/(heads|tags)\//, ''),
    ref_type: tag ? 'tag' : 'branch',
    pusher_type: 'user',
  }
  if (before === undefined) {
    const payload = { ...about, master_branch: repository.defaultBranch, description: repository.description }
    emitWebhook(world, { event: 'create', sender, repository, payload })
  }
  if (after === undefined) emitWebhook(world, { event: 'delete', sender, repository, payload: about })
  emitWebhook(world, {
    event: 'push',
    sender,
    repository,
    payload: await describePush(world, repository, change, sender),
  })
  if (after !== undefined && !tag && installationOf(world, repository) !== undefined) {
    requestSuite(world, repository, {
      sha: after.commit,
      branch: name.slice('refs/heads/'.length),
      before: before?.commit ?? null,
      sender,
    })
  }
}

async function describePush(
  world: World,
  repository: Repository,
  { name, before, after }: RefChange,
  sender: Account,
): Promise<JsonObject> {
  const commits = after === undefined ? [] : await newCommits(repository, before, after, name)
  const described = await Promise.all(commits.map((commit) => describeCommit(world, repository, commit)))
  const head =
    after === undefined
      ? undefined
      : (repository.knownCommits.get(after.commit) ?? (await listCommits(repository, after.commit, { limit: 1 }))[0])
  const page = repositoryPage(world, repository)
  const tag = after?.type === 'tag' ? await readTag(repository, after.sha) : undefined
  return {
    ref: name,
    before: before?.sha ?? nothing,
    after: after?.sha ?? nothing,
    base_ref: tag === undefined && name.startsWith('refs/tags/') ? branchAt(repository, after) : null,
    created: before === undefined,
    deleted: after === undefined,
    forced: before !== undefined && after !== undefined && !(await isAncestor(repository, before.commit, after.commit)),
    compare:
      before === undefined || after === undefined
        ? `${page}/compare/${name}`
        : `${page}/compare/${before.commit}...${after.commit}`,
    commits: described,
    head_commit: head === undefined ? null : await describeCommit(world, repository, head),
    pusher: { name: sender.login, email: sender.email },
    // Only in the payload of a push are these times numbers and is the owner named twice.
    repository: {
      created_at: seconds(repository.createdAt),
      pushed_at: seconds(repository.pushedAt),
      master_branch: repository.defaultBranch,
      stargazers: 0,
    },
  }
}

/** Oldest first: those a moved branch gained; of a new one those that no other branch has. */
async function newCommits(
  repository: Repository,
  before: Ref | undefined,
  after: Ref,
  name: string,
): Promise<Commit[]> {
  if (name.startsWith('refs/tags/')) return []
  if (before !== undefined)
    return (
      await listCommits(repository, `${before.commit}..${after.commit}`, { limit: maxPushedCommits })
    ).toReversed()
  const base = repository.refs.get(`refs/heads/${repository.defaultBranch}`)?.commit
  const range =
    base === undefined || name === `refs/heads/${repository.defaultBranch}` ? after.commit : `${base}..${after.commit}`
  return (await listCommits(repository, range, { limit: maxPushedCommits })).toReversed()
}

async function describeCommit(world: World, repository: Repository, commit: Commit): Promise<JsonObject> {
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `${repositoryPage(world, repository)}/commit/${commit.sha}`,
    author: { name: commit.author.name, email: commit.author.email, date: commit.author.date },
    committer: { name: commit.committer.name, email: commit.committer.email, date: commit.committer.date },
    ...(await listChangedPaths(repository, commit.sha)),
  }
}

function branchAt(repository: Repository, ref: Ref | undefined): string | null {
  const found = [...repository.refs].find(
    ([name, { commit }]) => name.startsWith('refs/heads/') && commit === ref?.commit,
  )
  return found?.[0] ?? null
}

function seconds(date: string): number {
  return Math.floor(Date.parse(date) / 1_000)
}
