/** The control API for programs: tests and the demo play people, git and bad luck with it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  AppShown,
  CommitReports,
  CommitWish,
  ControlReport,
  InstallationShown,
  PullRequestShown,
  PullRequestWish,
  RecordedCall,
  RecordedDelivery,
  RepositoryShown,
  RepositoryWish,
  RestFaultWish,
  RunShown,
  WebhookFaultWish,
} from './control-shapes.ts'

export interface ControlClient {
  readonly url: string
  readonly createUser: (
    login: string,
    more?: { type?: 'User' | 'Organization'; owners?: readonly string[] },
  ) => Promise<void>
  /** A token that acts for the person in Slipway's dashboard or with git. */
  readonly userToken: (login: string) => Promise<string>
  /** Also installs the app on the owner's account, unless `install: false`. */
  readonly createRepository: (wish: RepositoryWish) => Promise<RepositoryShown>
  readonly repository: (fullName: string) => Promise<RepositoryShown>
  readonly changeRepository: (
    fullName: string,
    change: {
      name?: string
      owner?: string
      private?: boolean
      archived?: boolean
      defaultBranch?: string
      user?: string
    },
  ) => Promise<RepositoryShown>
  readonly deleteRepository: (fullName: string) => Promise<void>
  readonly setCollaborator: (
    fullName: string,
    login: string,
    role: 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none',
  ) => Promise<void>
  readonly fork: (fullName: string, owner: string) => Promise<RepositoryShown>
  /** Commits onto a branch (made from the default branch when new) and announces the push; the new SHA. */
  readonly commit: (fullName: string, wish: CommitWish) => Promise<string>
  readonly createBranch: (fullName: string, name: string, from?: string) => Promise<string>
  readonly deleteBranch: (fullName: string, name: string) => Promise<void>
  /** One push of one or several tags; annotated when there is a message. */
  readonly tag: (
    fullName: string,
    names: string | readonly string[],
    more?: { from?: string; message?: string; user?: string },
  ) => Promise<string>
  readonly deleteTag: (fullName: string, name: string) => Promise<void>
  readonly openPullRequest: (fullName: string, wish: PullRequestWish) => Promise<PullRequestShown>
  readonly movePullRequest: (
    fullName: string,
    number: number,
    verb: 'close' | 'reopen' | 'merge' | 'synchronize' | 'label' | 'comment',
    more?: { user?: string; label?: string; body?: string },
  ) => Promise<PullRequestShown>
  readonly requestMergeGroup: (fullName: string, pull: number) => Promise<{ head_sha: string; head_ref: string }>
  readonly destroyMergeGroup: (
    fullName: string,
    ref: string,
    reason: 'merged' | 'invalidated' | 'dequeued',
  ) => Promise<void>
  readonly press: (checkRunId: number, identifier: string, user?: string) => Promise<void>
  readonly rerunCheck: (checkRunId: number, user?: string) => Promise<void>
  readonly rerunSuite: (checkSuiteId: number, user?: string) => Promise<void>
  readonly startWorkflowRun: (
    fullName: string,
    more?: { name?: string; branch?: string; sha?: string; event?: string },
  ) => Promise<{ id: number; run_number: number }>
  readonly completeWorkflowRun: (id: number, conclusion?: string) => Promise<void>
  readonly install: (
    account: string,
    more?: { repositories?: readonly string[]; permissions?: Readonly<Record<string, string>> },
  ) => Promise<InstallationShown>
  readonly changeInstallation: (
    id: number,
    verb: 'delete' | 'suspend' | 'unsuspend' | 'permissions' | 'repositories',
    more?: {
      added?: readonly string[]
      removed?: readonly string[]
      permissions?: Readonly<Record<string, string>>
      user?: string
    },
  ) => Promise<InstallationShown>
  readonly webhookFault: (wish: WebhookFaultWish) => Promise<void>
  readonly restFault: (wish: RestFaultWish) => Promise<void>
  readonly clearFaults: () => Promise<void>
  /** Sends the webhooks that a `hold` fault kept, in the given order. */
  readonly releaseHeld: (order?: 'first' | 'last') => Promise<void>
  readonly expireTokens: () => Promise<void>
  readonly setRateLimit: (limit: number) => Promise<void>
  readonly setHook: (hook: { url?: string; secret?: string }) => Promise<void>
  /** What an admin would copy from the app's settings; new after a manifest was converted. */
  readonly app: () => Promise<AppShown>
  /** Who approves log-ins at once; `null`: the page asks. */
  readonly setLogin: (login: string | null) => Promise<void>
  readonly ping: () => Promise<void>
  readonly emit: (
    fullName: string,
    event: string,
    more?: { action?: string; payload?: object; user?: string },
  ) => Promise<void>
  readonly report: () => Promise<ControlReport>
  readonly history: () => Promise<Omit<CommitReports, 'checkSuites'>>
  readonly calls: () => Promise<RecordedCall[]>
  readonly deliveries: () => Promise<RecordedDelivery[]>
  /** Resolves when no webhook delivery is under way. */
  readonly delivered: () => Promise<void>
  /** Everything reported about a commit. */
  readonly reports: (fullName: string, sha: string) => Promise<CommitReports>
  /** All check runs of a commit, oldest first, each with its history. */
  readonly checkRuns: (fullName: string, sha: string) => Promise<RunShown[]>
  /** Asks again until the answer is not undefined; rejects after `timeout` milliseconds (default 30,000). */
  readonly waitFor: <T>(ask: () => Promise<T | undefined>, options?: { timeout?: number; what?: string }) => Promise<T>
  /** Waits until the newest run of that name is completed, and gives it. */
  readonly completedCheck: (fullName: string, sha: string, name: string, timeout?: number) => Promise<RunShown>
}

/** Between two questions of `waitFor`. Milliseconds: short against anything that is waited for. */
const askAgain = 50
const defaultPatience = 30_000

export function createControlClient({ url, controlToken }: { url: string; controlToken: string }): ControlClient {
  async function send<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`${url}/_${path}`, {
      method,
      headers: { authorization: `Bearer ${controlToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    // The shapes are this project's own, written in control-shapes.ts next to the routes that answer them.
    return (await answer.json()) as T
  }
  const act = async (method: string, path: string, body?: object): Promise<void> => {
    await send(method, path, body)
  }
  const named = (name: string): string => `?name=${encodeURIComponent(name)}`
  const client: ControlClient = {
    url,
    createUser: (login, more) => act('PUT', '/users', { login, ...more }),
    userToken: async (login) => (await send<{ token: string }>('POST', `/users/${login}/token`)).token,
    createRepository: (wish) => send('PUT', '/repos', wish),
    repository: (fullName) => send('GET', `/repos/${fullName}`),
    changeRepository: (fullName, change) => send('PUT', `/repos/${fullName}/settings`, change),
    deleteRepository: (fullName) => act('DELETE', `/repos/${fullName}`),
    setCollaborator: (fullName, login, role) => act('PUT', `/repos/${fullName}/collaborators`, { login, role }),
    fork: (fullName, owner) => send('POST', `/repos/${fullName}/forks`, { owner }),
    commit: async (fullName, wish) => (await send<{ sha: string }>('PUT', `/repos/${fullName}/commits`, wish)).sha,
    createBranch: async (fullName, name, from) =>
      (await send<{ sha: string }>('POST', `/repos/${fullName}/branches`, { name, from })).sha,
    deleteBranch: (fullName, name) => act('DELETE', `/repos/${fullName}/branches${named(name)}`),
    tag: async (fullName, names, more) =>
      (
        await send<{ sha: string }>('POST', `/repos/${fullName}/tags`, {
          names: typeof names === 'string' ? [names] : names,
          ...more,
        })
      ).sha,
    deleteTag: (fullName, name) => act('DELETE', `/repos/${fullName}/tags${named(name)}`),
    openPullRequest: (fullName, wish) => send('POST', `/repos/${fullName}/pulls`, wish),
    movePullRequest: (fullName, number, verb, more) =>
      send('POST', `/repos/${fullName}/pulls/${number}/${verb}`, more ?? {}),
    requestMergeGroup: (fullName, pull) => send('POST', `/repos/${fullName}/merge-groups`, { pull }),
    destroyMergeGroup: (fullName, ref, reason) =>
      act('POST', `/repos/${fullName}/merge-groups/destroy`, { ref, reason }),
    press: (id, identifier, user) => act('POST', `/check-runs/${id}/press`, { identifier, user }),
    rerunCheck: (id, user) => act('POST', `/check-runs/${id}/rerun`, { user }),
    rerunSuite: (id, user) => act('POST', `/check-suites/${id}/rerun`, { user }),
    startWorkflowRun: (fullName, more) => send('POST', `/repos/${fullName}/workflow-runs`, more ?? {}),
    completeWorkflowRun: (id, conclusion) => act('POST', `/workflow-runs/${id}/complete`, { conclusion }),
    install: (account, more) => send('POST', '/installations', { account, ...more }),
    changeInstallation: (id, verb, more) => send('POST', `/installations/${id}/${verb}`, more ?? {}),
    webhookFault: (wish) => act('POST', '/faults/webhooks', wish),
    restFault: (wish) => act('POST', '/faults/rest', wish),
    clearFaults: () => act('DELETE', '/faults'),
    releaseHeld: (order) => act('POST', '/held', { order }),
    expireTokens: () => act('POST', '/tokens/expire'),
    setRateLimit: (limit) => act('PUT', '/rate', { limit }),
    setHook: (hook) => act('PUT', '/hook', hook),
    app: () => send('GET', '/app'),
    setLogin: (login) => act('PUT', '/login', { as: login }),
    ping: () => act('POST', '/ping'),
    emit: (fullName, event, more) => act('POST', '/events', { repository: fullName, event, ...more }),
    report: () => send('GET', '/report'),
    history: () => send('GET', '/history'),
    calls: () => send('GET', '/calls'),
    deliveries: () => send('GET', '/deliveries'),
    delivered: () => act('GET', '/idle'),
    reports: (fullName, sha) => send('GET', `/repos/${fullName}/commits/${sha}`),
    checkRuns: async (fullName, sha) => (await client.reports(fullName, sha)).checkRuns,
    waitFor: async (ask, { timeout = defaultPatience, what = 'what was waited for' } = {}) => {
      const end = Date.now() + timeout
      for (;;) {
        const found = await ask()
        if (found !== undefined) return found
        if (Date.now() > end) throw new Error(`${what} did not happen within ${timeout} ms`)
        await sleep(askAgain)
      }
    },
    completedCheck: (fullName, sha, name, timeout = defaultPatience) =>
      client.waitFor(
        async () => {
          const newest = (await client.checkRuns(fullName, sha)).findLast((run) => run.name === name)
          return newest?.status === 'completed' ? newest : undefined
        },
        { timeout, what: `the end of ${name} on ${sha}` },
      ),
  }
  return client
}
