/** What the control API takes and gives, as far as tests and the demo look at it. */

export type FileWish =
  | string
  | null
  | { readonly base64: string; readonly mode?: string }
  | { readonly text: string; readonly mode?: string }

export interface RepositoryWish {
  readonly owner: string
  readonly name: string
  readonly private?: boolean
  readonly organization?: boolean
  readonly files?: Readonly<Record<string, FileWish>>
  readonly defaultBranch?: string
  readonly description?: string
  readonly install?: boolean
  readonly user?: string
}

export interface CommitWish {
  readonly branch: string
  readonly files: Readonly<Record<string, FileWish>>
  readonly message?: string
  readonly author?: { readonly name?: string; readonly email?: string; readonly date?: string }
  /** A commit or branch to stand on instead of the branch's head: a forced push. */
  readonly parent?: string
  readonly user?: string
}

export interface PullRequestWish {
  readonly head: string
  readonly base?: string
  readonly title?: string
  readonly body?: string
  readonly draft?: boolean
  /** `owner/name` of the fork that has the head branch. */
  readonly fork?: string
  readonly user?: string
}

export interface WebhookFaultWish {
  readonly kind: 'lose' | 'drop' | 'duplicate' | 'delay' | 'hold' | 'bad_signature'
  readonly event?: string
  readonly action?: string
  readonly times?: number
  readonly milliseconds?: number
}

export interface RestFaultWish {
  readonly kind: 'status' | 'secondary' | 'primary' | 'delay' | 'reset' | 'lost_answer'
  readonly operation?: string
  readonly method?: string
  /** A regular expression. */
  readonly path?: string
  readonly status?: number
  /** Seconds. */
  readonly retryAfter?: number
  readonly milliseconds?: number
  readonly times?: number
}

export interface AppShown {
  readonly url: string
  readonly apiUrl: string
  readonly appId: number
  readonly slug: string
  readonly privateKey: string
  readonly webhookSecret: string
  readonly webhookUrl: string | null
  readonly clientId: string
  readonly clientSecret: string
}

export interface RepositoryShown {
  readonly id: number
  readonly full_name: string
  readonly clone_url: string
  readonly html_url: string
  readonly default_branch: string
  /** The default branch's commit. */
  readonly head: string | null
  readonly branches: Readonly<Record<string, string>>
}

export interface PullRequestShown {
  readonly id: number
  readonly number: number
  readonly state: string
  readonly html_url: string
  readonly merge_commit_sha: string | null
  readonly head: { readonly ref: string; readonly sha: string }
  readonly base: { readonly ref: string; readonly sha: string }
}

export interface InstallationShown {
  readonly id: number
  readonly repository_selection: string
  readonly suspended_at: string | null
}

export interface RunShown {
  readonly id: number
  readonly name: string
  readonly repository: string
  readonly head_sha: string
  readonly external_id: string
  readonly details_url: string
  readonly status: string
  readonly conclusion: string | null
  readonly started_at: string | null
  readonly completed_at: string | null
  readonly output: {
    readonly title: string | null
    readonly summary: string | null
    readonly text: string | null
    readonly annotations_count: number
  }
  readonly check_suite: { readonly id: number }
  readonly annotations: readonly AnnotationShown[]
  readonly actions: readonly { readonly label: string; readonly description: string; readonly identifier: string }[]
  readonly history: readonly MomentShown[]
}

export interface AnnotationShown {
  readonly path: string
  readonly start_line: number
  readonly end_line: number
  readonly annotation_level: string
  readonly message: string
  readonly title: string | null
}

export interface MomentShown {
  readonly at: string
  readonly by: 'create' | 'update'
  readonly status: string
  readonly conclusion: string | null
  readonly title: string | null
  readonly summary: string | null
  readonly annotations: number
  readonly actions: readonly string[]
}

export interface DeploymentShown {
  readonly id: number
  readonly sha: string
  readonly ref: string
  readonly environment: string
  readonly transient: boolean
  readonly production: boolean
  readonly statuses: readonly {
    readonly state: string
    readonly description: string
    readonly logUrl: string
    readonly environmentUrl: string
    readonly createdAt: string
    readonly automatic: boolean
  }[]
}

export interface CommitReports {
  readonly checkRuns: RunShown[]
  readonly checkSuites: { readonly id: number; readonly headSha: string; readonly headBranch: string | null }[]
  readonly statuses: { readonly context: string; readonly state: string; readonly description: string | null }[]
  readonly deployments: DeploymentShown[]
}

export interface ControlReport {
  /** Rules of GitHub that were broken. A healthy client leaves none. */
  readonly problems: readonly {
    readonly kind: string
    readonly message: string
    readonly operation?: string
    readonly at: string
  }[]
  /** Unknown properties and parameters, with how often they were sent. */
  readonly warnings: Readonly<Record<string, number>>
  readonly operations: Readonly<Record<string, number>>
  readonly unfinished: readonly RunShown[]
  readonly failedDeliveries: readonly {
    readonly id: number
    readonly guid: string
    readonly event: string
    readonly action: string | null
    readonly status: string
  }[]
}

export interface RecordedCall {
  readonly at: string
  readonly method: string
  readonly path: string
  readonly operation: string | null
  readonly caller: string
  readonly status: number
  readonly fault: string | null
}

export interface RecordedDelivery {
  readonly id: number
  readonly guid: string
  readonly event: string
  readonly action: string | null
  readonly status: string
  readonly statusCode: number
  readonly redelivery: boolean
  readonly deliveredAt: string
  readonly payload: unknown
}
