/** Commits and changed files as the REST API shows them. */
import type { FileChange } from '../git/file-changes.ts'
import type { JsonObject } from '../json.ts'
import type { Commit, Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import { presentAccount } from './account.ts'
import { nodeId, repositoryApi, repositoryPage } from './addresses.ts'

const unsigned = { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null }

export function presentCommit(world: World, repository: Repository, commit: Commit): JsonObject {
  const api = repositoryApi(world, repository)
  const page = repositoryPage(world, repository)
  const url = `${api}/commits/${commit.sha}`
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', commit.sha),
    url,
    html_url: `${page}/commit/${commit.sha}`,
    comments_url: `${url}/comments`,
    commit: {
      url: `${api}/git/commits/${commit.sha}`,
      author: { ...commit.author },
      committer: { ...commit.committer },
      message: commit.message,
      tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
      comment_count: 0,
      verification: unsigned,
    },
    author: accountByEmail(world, commit.author.email),
    committer: accountByEmail(world, commit.committer.email),
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/commits/${sha}`, html_url: `${page}/commit/${sha}` })),
  }
}

export function presentGitCommit(world: World, repository: Repository, commit: Commit): JsonObject {
  const api = repositoryApi(world, repository)
  const page = repositoryPage(world, repository)
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', commit.sha),
    url: `${api}/git/commits/${commit.sha}`,
    html_url: `${page}/commit/${commit.sha}`,
    author: { ...commit.author },
    committer: { ...commit.committer },
    message: commit.message,
    tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${api}/git/commits/${sha}`,
      html_url: `${page}/commit/${sha}`,
    })),
    verification: unsigned,
  }
}

export function presentFileChange(world: World, repository: Repository, sha: string, change: FileChange): JsonObject {
  const api = repositoryApi(world, repository)
  const page = repositoryPage(world, repository)
  const path = change.path.split('/').map(encodeURIComponent).join('/')
  return {
    sha: change.blob,
    filename: change.path,
    status: change.status,
    additions: change.additions,
    deletions: change.deletions,
    changes: change.additions + change.deletions,
    blob_url: `${page}/blob/${sha}/${path}`,
    raw_url: `${page}/raw/${sha}/${path}`,
    contents_url: `${api}/contents/${path}?ref=${sha}`,
    patch: change.patch,
    previous_filename: change.previousPath,
  }
}

function accountByEmail(world: World, email: string): JsonObject | null {
  const account = [...world.accounts.values()].find((candidate) => candidate.email === email)
  return account === undefined ? null : presentAccount(world, account)
}
