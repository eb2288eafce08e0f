/** What apps report about commits: checks, statuses, deployments; and Actions runs, which others report. */
import type { Json, JsonObject } from '../json.ts'

export interface CheckSuite {
  readonly id: number
  readonly repositoryId: number
  readonly headSha: string
  headBranch: string | null
  readonly before: string | null
  readonly createdAt: string
  updatedAt: string
}

export interface CheckRun {
  readonly id: number
  readonly suiteId: number
  readonly repositoryId: number
  readonly headSha: string
  name: string
  externalId: string | null
  detailsUrl: string | null
  status: string
  conclusion: string | null
  startedAt: string | null
  completedAt: string | null
  title: string | null
  summary: string | null
  text: string | null
  readonly annotations: JsonObject[]
  actions: readonly JsonObject[]
  /** Every state it was in, oldest first. */
  readonly history: CheckRunMoment[]
}

export interface CheckRunMoment {
  readonly at: string
  readonly by: 'create' | 'update'
  readonly status: string
  readonly conclusion: string | null
  readonly title: string | null
  readonly summary: string | null
  readonly annotations: number
  readonly actions: readonly string[]
}

export interface Status {
  readonly id: number
  readonly repositoryId: number
  readonly sha: string
  readonly state: string
  readonly context: string
  readonly description: string | null
  readonly targetUrl: string | null
  readonly createdAt: string
}

export interface Deployment {
  readonly id: number
  readonly repositoryId: number
  readonly sha: string
  readonly ref: string
  readonly task: string
  readonly payload: Json
  readonly environment: string
  readonly description: string | null
  readonly transient: boolean
  readonly production: boolean
  readonly createdAt: string
  updatedAt: string
  /** Oldest first. */
  readonly statuses: DeploymentStatus[]
}

export interface DeploymentStatus {
  readonly id: number
  readonly state: string
  readonly description: string
  readonly environment: string
  readonly logUrl: string
  readonly environmentUrl: string
  readonly createdAt: string
  /** Set by GitHub itself because a newer deployment succeeded, not by the app. */
  readonly automatic: boolean
}

export interface Environment {
  readonly id: number
  readonly repositoryId: number
  readonly name: string
  readonly createdAt: string
}

export interface WorkflowRun {
  readonly id: number
  readonly repositoryId: number
  readonly name: string
  readonly number: number
  readonly attempt: number
  readonly headSha: string
  readonly headBranch: string
  readonly event: string
  status: string
  conclusion: string | null
  readonly actorId: number
  readonly createdAt: string
  updatedAt: string
}
