/** Heads of branches and pull requests as last seen, to compare with GitHub's truth and to find a push's former head. */
import type { PullRequestRef } from '../core/events.ts'
import type { BranchRecord, RefStore } from '../flow/ports.ts'
import { raw, sql, type Database } from './database.ts'

interface BranchRow {
  readonly name: string
  readonly head_sha: string
  readonly previous_sha: string | null
  readonly tree_sha: string | null
}

interface PullRequestRow {
  readonly number: number
  readonly state: string
  readonly head_sha: string
  readonly head_ref: string
  readonly head_repository: string | null
  readonly is_fork: boolean
  readonly base_ref: string
  readonly base_sha: string
  readonly author: string
  readonly title: string
}

const PULL_REQUEST_COLUMNS = raw(
  'number, state, head_sha, head_ref, head_repository, is_fork, base_ref, base_sha, author, title',
)

export function createRefStore(db: Database): RefStore {
  return {
    async keepBranch(repositoryId, { name, headSha, previousSha, treeSha }, expectedHead) {
      const kept = await db.run(sql`
        insert into branches (repository_id, name, head_sha, previous_sha, tree_sha)
        values (${repositoryId}, ${name}, ${headSha}, ${previousSha}, ${treeSha})
        on conflict (repository_id, name) do update set head_sha = excluded.head_sha,
          previous_sha = excluded.previous_sha, tree_sha = excluded.tree_sha, deleted_at = null, updated_at = now()
        where case when branches.deleted_at is null then branches.head_sha end is not distinct from ${expectedHead}`)
      return kept > 0
    },
    async deleteBranch(repositoryId, name) {
      await db.run(sql`update branches set deleted_at = now() where repository_id = ${repositoryId} and name = ${name}`)
    },
    async branch(repositoryId, name) {
      const row = await db.first<BranchRow>(sql`select name, head_sha, previous_sha, tree_sha from branches
        where repository_id = ${repositoryId} and name = ${name} and deleted_at is null`)
      return row === null ? null : toBranch(row)
    },
    async branches(repositoryId) {
      const rows = await db.rows<BranchRow>(sql`select name, head_sha, previous_sha, tree_sha from branches
        where repository_id = ${repositoryId} and deleted_at is null order by name`)
      return rows.map(toBranch)
    },
    async keepPullRequest(repositoryId, pull, state) {
      await db.run(sql`
        insert into pull_requests (repository_id, number, state, head_sha, head_ref, head_repository, is_fork, base_ref,
          base_sha, author, title)
        values (${repositoryId}, ${pull.number}, ${state}, ${pull.headSha}, ${pull.headRef}, ${pull.headRepository},
          ${pull.isFork}, ${pull.baseRef}, ${pull.baseSha}, ${pull.author}, ${withoutNul(pull.title)})
        on conflict (repository_id, number) do update set state = excluded.state, head_sha = excluded.head_sha,
          head_ref = excluded.head_ref, head_repository = excluded.head_repository, is_fork = excluded.is_fork,
          base_ref = excluded.base_ref, base_sha = excluded.base_sha, title = excluded.title, updated_at = now()`)
    },
    async pullRequest(repositoryId, number) {
      const row = await db.first<PullRequestRow>(sql`select ${PULL_REQUEST_COLUMNS} from pull_requests
        where repository_id = ${repositoryId} and number = ${number}`)
      return row === null ? null : { ...toPullRequest(row), state: row.state }
    },
    async openPullRequests(repositoryId) {
      const rows = await db.rows<PullRequestRow>(sql`select ${PULL_REQUEST_COLUMNS} from pull_requests
        where repository_id = ${repositoryId} and state = 'open' order by number`)
      return rows.map(toPullRequest)
    },
  }
}

function toBranch(row: BranchRow): BranchRecord {
  return { name: row.name, headSha: row.head_sha, previousSha: row.previous_sha, treeSha: row.tree_sha }
}

function toPullRequest(row: PullRequestRow): PullRequestRef {
  return {
    number: row.number,
    headSha: row.head_sha,
    headRef: row.head_ref,
    headRepository: row.head_repository,
    isFork: row.is_fork,
    baseRef: row.base_ref,
    baseSha: row.base_sha,
    author: row.author,
    title: row.title,
    isDraft: false,
  }
}

function withoutNul(text: string): string {
  return text.replaceAll('\0', '\uFFFD')
}
