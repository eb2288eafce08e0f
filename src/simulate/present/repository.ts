/** A repository as GitHub shows it; the links its schema demands besides are completed from `url`. */
import type { JsonObject } from '../json.ts'
import { accountOf } from '../world/accounts.ts'
import type { Repository, Role } from '../world/repositories.ts'
import { fullName } from '../world/find-repository.ts'
import type { World } from '../world/world.ts'
import { presentAccount } from './account.ts'
import { nodeId, repositoryApi, repositoryPage } from './addresses.ts'

export function presentRepository(world: World, repository: Repository, role?: Role): JsonObject {
  const url = repositoryApi(world, repository)
  const page = repositoryPage(world, repository)
  const openIssues = world.pullRequests.filter(
    (pull) => pull.repositoryId === repository.id && pull.state === 'open',
  ).length
  return {
    id: repository.id,
    node_id: nodeId('Repository', repository.id),
    name: repository.name,
    full_name: fullName(world, repository),
    owner: presentAccount(world, accountOf(world, repository.ownerId)),
    private: repository.private,
    visibility: repository.private ? 'private' : 'public',
    description: repository.description,
    fork: repository.parentId !== null,
    url,
    html_url: page,
    clone_url: `${page}.git`,
    git_url: `${page}.git`,
    ssh_url: `${page}.git`,
    svn_url: page,
    ...linkTemplates(url),
    default_branch: repository.defaultBranch,
    archived: repository.archived,
    disabled: false,
    created_at: repository.createdAt,
    updated_at: repository.pushedAt,
    pushed_at: repository.pushedAt,
    open_issues: openIssues,
    open_issues_count: openIssues,
    has_issues: true,
    has_projects: false,
    has_downloads: true,
    has_wiki: false,
    has_pages: false,
    has_discussions: false,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    homepage: null,
    language: null,
    license: null,
    mirror_url: null,
    topics: [],
    custom_properties: {},
    ...(role === undefined ? {} : { permissions: presentRole(role) }),
  }
}

/** The very short form that installation webhooks list. */
export function presentRepositoryName(world: World, repository: Repository): JsonObject {
  return {
    id: repository.id,
    node_id: nodeId('Repository', repository.id),
    name: repository.name,
    full_name: fullName(world, repository),
    private: repository.private,
  }
}

export function presentRole(role: Role): JsonObject {
  const ladder: Role[] = ['read', 'triage', 'write', 'maintain', 'admin']
  const reached = ladder.indexOf(role)
  return { admin: reached >= 4, maintain: reached >= 3, push: reached >= 2, triage: reached >= 1, pull: reached >= 0 }
}

/** Links with a part to fill in, which cannot be guessed from their names. */
function linkTemplates(url: string): JsonObject {
  return {
    archive_url: `${url}/{archive_format}{/ref}`,
    assignees_url: `${url}/assignees{/user}`,
    blobs_url: `${url}/git/blobs{/sha}`,
    branches_url: `${url}/branches{/branch}`,
    collaborators_url: `${url}/collaborators{/collaborator}`,
    commits_url: `${url}/commits{/sha}`,
    compare_url: `${url}/compare/{base}...{head}`,
    contents_url: `${url}/contents/{+path}`,
    deployments_url: `${url}/deployments`,
    git_commits_url: `${url}/git/commits{/sha}`,
    git_refs_url: `${url}/git/refs{/sha}`,
    git_tags_url: `${url}/git/tags{/sha}`,
    hooks_url: `${url}/hooks`,
    pulls_url: `${url}/pulls{/number}`,
    statuses_url: `${url}/statuses/{sha}`,
    tags_url: `${url}/tags`,
    trees_url: `${url}/git/trees{/sha}`,
  }
}
