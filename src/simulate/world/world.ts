/**
 * Everything the simulated GitHub knows, as plain data in memory; git objects live in bare repositories on disk.
 *
 * One process owns a world and Node runs one handler at a time, so a handler that does not await between reading and
 * writing is atomic. What awaits git takes the repository's `turn` (git/take-turn.ts), so that two pushes to one
 * repository never interleave. A world ends with its process: it is a stage for a demo or a test, not a server of record.
 */
import type { JsonObject } from '../json.ts'
import type { Schemas } from '../openapi/schemas.ts'
import type { RestFault, WebhookFault } from './faults.ts'
import type { Account, AppRegistration, Installation, OAuthGrant, Token } from './identities.ts'
import type { CheckRun, CheckSuite, Deployment, Environment, Status, WorkflowRun } from './reports.ts'
import type { PullRequest, Repository } from './repositories.ts'

export interface World {
  /** Where this GitHub answers, without a trailing slash: `http://127.0.0.1:PORT`. */
  readonly origin: string
  readonly dataDirectory: string
  readonly controlToken: string
  readonly app: AppRegistration
  readonly schemas: Schemas
  readonly now: () => Date
  readonly nextId: () => number
  readonly accounts: Map<number, Account>
  readonly repositories: Map<number, Repository>
  readonly installations: Map<number, Installation>
  readonly tokens: Map<string, Token>
  readonly grants: Map<string, OAuthGrant>
  readonly manifests: Map<string, JsonObject>
  readonly checkSuites: Map<number, CheckSuite>
  readonly checkRuns: Map<number, CheckRun>
  readonly statuses: Status[]
  readonly deployments: Map<number, Deployment>
  readonly environments: Environment[]
  readonly pullRequests: PullRequest[]
  readonly workflowRuns: Map<number, WorkflowRun>
  readonly deliveries: Delivery[]
  readonly webhookFaults: WebhookFault[]
  readonly restFaults: RestFault[]
  readonly heldDeliveries: HeldDelivery[]
  readonly rate: RateBudget
  readonly problems: Problem[]
  readonly warnings: Map<string, number>
  readonly calls: RestCall[]
  /** Who approves log-ins without being asked; `undefined`: nobody, the control API decides. */
  readonly login: { autoApproveAs: string | undefined }
  /** Deliveries under way. */
  readonly sending: Set<Promise<void>>
  /** Aborted when the simulation closes. */
  readonly closing: AbortController
}

/** One attempt to deliver a webhook. All attempts of one event share the `guid`. */
export interface Delivery {
  readonly id: number
  readonly guid: string
  readonly deliveredAt: string
  readonly redelivery: boolean
  /** Seconds. */
  duration: number
  status: string
  /** 0 when no answer came. */
  statusCode: number
  readonly event: string
  readonly action: string | null
  readonly installationId: number | null
  readonly repositoryId: number | null
  readonly url: string
  readonly requestHeaders: Readonly<Record<string, string>>
  readonly body: string
  responseHeaders: Readonly<Record<string, string>>
  responseBody: string
}

export interface HeldDelivery {
  readonly send: () => void
  readonly event: string
}

export interface RateBudget {
  /** Requests an hour for each token. */
  limit: number
  readonly used: Map<string, { count: number; resetAt: number }>
  /** When each credential created something, in milliseconds, the last hour only. */
  readonly created: Map<string, number[]>
}

/** A rule of GitHub that a client, or this simulation itself, has broken. */
export interface Problem {
  readonly kind: ProblemKind
  readonly message: string
  readonly operation?: string
  readonly at: string
}

export type ProblemKind =
  | 'request-schema'
  | 'answer-schema'
  | 'webhook-schema'
  | 'permission'
  | 'lifecycle'
  | 'duplicate-check'
  | 'auto-merge'
  | 'expired-token'
  | 'user-agent'
  | 'limits'
  | 'content-pace'
  | 'unknown-route'
  | 'internal'

export interface RestCall {
  readonly at: string
  readonly method: string
  readonly path: string
  readonly operation: string | null
  caller: string
  status: number
  /** What a fault did to it, if one did. */
  fault: string | null
}
