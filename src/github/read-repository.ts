/** GitHub's truth about a repository: files, heads, tags, pull requests, and who may do what. */
import type { PullRequestRef, RepositoryRef } from '../core/events.ts'
import { SlipwayError } from '../core/errors.ts'
import type { InstallationTruth } from '../flow/deps.ts'
import type { GitHubRights } from '../flow/ports.ts'
import type { GitHub } from './connect.ts'

const PAGE_SIZE = 100

export interface RefHead {
  readonly name: string
  readonly sha: string
}

export interface RepositoryReader extends GitHubRights {
  /** The file's text at a commit, branch or tag; null when it is not there. Throws `config_invalid` when it is no file. */
  readFile(
    repository: { readonly installationId: number; readonly owner: string; readonly name: string },
    path: string,
    ref: string | null,
  ): Promise<string | null>
  branchHead(repository: RepositoryRef, branch: string): Promise<string | null>
  branches(repository: RepositoryRef): Promise<readonly RefHead[]>
  /** Tags with the commit they point to (annotated ones peeled). */
  tags(repository: RepositoryRef): Promise<readonly RefHead[]>
  /** The commit of one tag, null when it is gone. */
  tagCommit(repository: RepositoryRef, tag: string): Promise<string | null>
  openPullRequests(repository: RepositoryRef): Promise<readonly PullRequestRef[]>
  pullRequest(repository: RepositoryRef, number: number): Promise<PullRequestRef | null>
  /** Null when it is closed or was never there. */
  openPullRequest(repository: RepositoryRef, number: number): Promise<PullRequestRef | null>
  installations(): Promise<readonly InstallationTruth[]>
  repository(installationId: number, owner: string, name: string): Promise<RepositoryRef | null>
  installationRepositories(installationId: number): Promise<readonly RepositoryRef[]>
  /** The commit's message and the tree it holds. */
  commit(repository: RepositoryRef, sha: string): Promise<{ readonly message: string; readonly treeSha: string } | null>
}

/** A ref that leads to no commit is answered with 422, not with 404. */
function saysNoCommit({ code, message }: SlipwayError): boolean {
  return code === 'github_refused' && message.includes('No commit found')
}

export function createRepositoryReader(github: GitHub): RepositoryReader {
  const at = (repository: { readonly owner: string; readonly name: string }) => ({
    owner: repository.owner,
    repo: repository.name,
  })
  const octokit = (repository: { readonly installationId: number }) =>
    github.installation(repository.installationId).rest

  async function permission(repository: RepositoryRef, login: string): Promise<string> {
    const answer = await orNull(() =>
      octokit(repository).repos.getCollaboratorPermissionLevel({ ...at(repository), username: login }),
    )
    return answer?.data.permission ?? 'none'
  }

  /** @param needsCommit a commit that GitHub does not know is then no "not there": it may only not know it yet */
  async function orNull<Result>(work: () => Promise<Result>, needsCommit = false): Promise<Result | null> {
    try {
      return await github.call(work)
    } catch (error) {
      if (needsCommit && error instanceof SlipwayError && error.message.includes('No commit found')) {
        throw new SlipwayError('not_found', 'GitHub does not know the commit (yet)', { cause: error })
      }
      if (error instanceof SlipwayError && (error.code === 'not_found' || saysNoCommit(error))) return null
      throw error
    }
  }

  return {
    async readFile(repository, path, ref) {
      const answer = await orNull(
        () =>
          octokit(repository).repos.getContent({
            ...at(repository),
            path,
            ...(ref === null ? {} : { ref }),
            mediaType: { format: 'raw' },
          }),
        // A webhook may come before the API knows its commit.
        ref !== null,
      )
      // The raw format answers the text itself, which Octokit's types do not know; a folder answers a list.
      if (answer === null) return null
      const data: unknown = answer.data
      if (typeof data !== 'string') throw new SlipwayError('config_invalid', `${path} is no file`)
      return data
    },
    async branchHead(repository, branch) {
      const answer = await orNull(() => octokit(repository).git.getRef({ ...at(repository), ref: `heads/${branch}` }))
      return answer?.data.object.sha ?? null
    },
    branches: (repository) =>
      github.call(async () => {
        const rest = octokit(repository)
        const found = await github
          .installation(repository.installationId)
          .paginate(rest.repos.listBranches, { ...at(repository), per_page: PAGE_SIZE })
        return found.map((branch) => ({ name: branch.name, sha: branch.commit.sha }))
      }),
    tags: (repository) =>
      github.call(async () => {
        const rest = octokit(repository)
        const found = await github
          .installation(repository.installationId)
          .paginate(rest.repos.listTags, { ...at(repository), per_page: PAGE_SIZE })
        return found.map((tag) => ({ name: tag.name, sha: tag.commit.sha }))
      }),
    async tagCommit(repository, tag) {
      const answer = await orNull(() => octokit(repository).repos.getCommit({ ...at(repository), ref: `tags/${tag}` }))
      return answer?.data.sha ?? null
    },
    openPullRequests: (repository) =>
      github.call(async () => {
        const rest = octokit(repository)
        const found = await github
          .installation(repository.installationId)
          .paginate(rest.pulls.list, { ...at(repository), state: 'open', per_page: PAGE_SIZE })
        return found.map((pull) => pullRequestRef(pull, repository))
      }),
    async pullRequest(repository, number) {
      const answer = await orNull(() => octokit(repository).pulls.get({ ...at(repository), pull_number: number }))
      return answer === null ? null : pullRequestRef(answer.data, repository)
    },
    async openPullRequest(repository, number) {
      const answer = await orNull(() => octokit(repository).pulls.get({ ...at(repository), pull_number: number }))
      return answer?.data.state === 'open' ? pullRequestRef(answer.data, repository) : null
    },
    installations: () =>
      github.call(async () => {
        const app = github.app()
        const found = await app.paginate(app.rest.apps.listInstallations, { per_page: PAGE_SIZE })
        return found.map(({ id, account, permissions, suspended_at: suspendedAt }) => ({
          id,
          account: account !== null && 'login' in account ? account.login : '',
          permissions: Object.fromEntries(Object.entries(permissions)),
          isSuspended: suspendedAt !== null,
        }))
      }),
    async repository(installationId, owner, name) {
      const answer = await orNull(() => github.installation(installationId).rest.repos.get({ owner, repo: name }))
      return answer === null ? null : repositoryRef(answer.data, installationId)
    },
    installationRepositories: (installationId) =>
      github.call(async () => {
        const client = github.installation(installationId)
        const found = await client.paginate(client.rest.apps.listReposAccessibleToInstallation, { per_page: PAGE_SIZE })
        return found.map((repository) => repositoryRef(repository, installationId))
      }),
    async commit(repository, sha) {
      const answer = await orNull(() => octokit(repository).git.getCommit({ ...at(repository), commit_sha: sha }))
      return answer === null ? null : { message: answer.data.message, treeSha: answer.data.tree.sha }
    },
    canWrite: async (repository, login) => ['admin', 'maintain', 'write'].includes(await permission(repository, login)),
    canRead: async (repository, login) => !repository.isPrivate || (await permission(repository, login)) !== 'none',
  }
}

interface PullRequestPart {
  readonly number: number
  readonly title: string
  readonly draft?: boolean
  readonly user: { readonly login: string } | null
  readonly head: {
    readonly sha: string
    readonly ref: string
    readonly repo: { readonly id: number; readonly full_name: string } | null
  }
  readonly base: { readonly sha: string; readonly ref: string }
}

function pullRequestRef(pull: PullRequestPart, repository: RepositoryRef): PullRequestRef {
  return {
    number: pull.number,
    headSha: pull.head.sha,
    headRef: pull.head.ref,
    headRepository: pull.head.repo?.full_name ?? null,
    isFork: pull.head.repo?.id !== repository.id,
    baseRef: pull.base.ref,
    baseSha: pull.base.sha,
    author: pull.user?.login ?? 'ghost',
    title: pull.title,
    isDraft: pull.draft ?? false,
  }
}

interface RepositoryPart {
  readonly id: number
  readonly name: string
  readonly owner: { readonly login: string }
  readonly private: boolean
  readonly default_branch: string
  readonly clone_url: string
  readonly html_url: string
}

function repositoryRef(repository: RepositoryPart, installationId: number): RepositoryRef {
  return {
    id: repository.id,
    owner: repository.owner.login,
    name: repository.name,
    installationId,
    isPrivate: repository.private,
    defaultBranch: repository.default_branch,
    cloneUrl: repository.clone_url,
    htmlUrl: repository.html_url,
  }
}
