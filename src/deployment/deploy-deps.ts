/** Everything a deployment works with; `compose/deployments.ts` fills it in. */
import type { Clock } from '../core/clock.ts'
import type { DesiredCheck } from '../core/check.ts'
import type { Lease } from '../core/lease.ts'
import type { Run } from '../core/run.ts'
import type { RunStore } from '../core/run-store.ts'
import type { ConfirmLevel } from '../config/settings.ts'
import type { RepositoryPolicy } from '../config/server-config.ts'
import type { DeploymentPlan } from './deployment-plan.ts'
import type { GateReason } from './gate.ts'
import type { Allowances, DeploymentRefusal } from './plan-deployments.ts'
import type {
  DeploymentApprovals,
  DeploymentStore,
  DriverOf,
  HeadOf,
  HookRunner,
  ImageDelivery,
  ImageSource,
  ReleaseStore,
  ServiceSecrets,
  ServiceStore,
} from './ports.ts'
import type { Deployment, Release, Service } from './release.ts'

export interface DeployDeps {
  readonly runs: RunStore
  readonly services: ServiceStore
  readonly releases: ReleaseStore
  readonly deployments: DeploymentStore
  readonly approvals: DeploymentApprovals
  readonly images: ImageSource
  readonly delivery: ImageDelivery
  readonly driverOf: DriverOf
  readonly hooks: HookRunner
  readonly secrets: ServiceSecrets
  readonly headOf: HeadOf
  /** Null when the repository is gone. */
  readonly policyOf: (
    repositoryId: number,
  ) => Promise<(Pick<RepositoryPolicy, 'freeze' | 'requireApproval'> & Allowances['policy']) | null>
  readonly hosts: () => Allowances['hosts']
  readonly confirm: () => ConfirmLevel
  readonly openLog: (runId: string) => Promise<DeploymentLog>
  readonly detailsUrl: (runId: string) => string
  readonly clock: Clock
  readonly words: DeploymentWords
}

export interface DeploymentLog {
  note(line: string): void
  close(): Promise<void>
}

/** What is known when something is said about a deployment. */
export interface DeploymentFacts {
  readonly run: Run
  readonly service: Service
  readonly deployment: Deployment
  readonly release: Release | null
  /** What was live before, and is again after a rollback. */
  readonly previous: Release | null
  readonly durationMs: number
}

/** Every sentence that people read, from `report/`. */
export interface DeploymentWords {
  progress(facts: DeploymentFacts): DesiredCheck
  waiting(facts: DeploymentFacts, reasons: readonly GateReason[]): DesiredCheck
  end(facts: DeploymentFacts): DesiredCheck
  /** One sentence: why nothing may be touched. */
  refusal(refusal: DeploymentRefusal): string
  refused(service: string, why: string): DesiredCheck
  /** At most 140 characters, for GitHub's Deployments and messages. */
  oneLine(facts: DeploymentFacts): string
}

/** One deployment in hand. */
export interface DeployWork {
  readonly run: Run
  readonly plan: DeploymentPlan
  readonly service: Service
  readonly lease: Lease
  /** Aborts when the lease is lost or the process stops: write nothing more. */
  readonly signal: AbortSignal
  /** Aborts as well when somebody wants the deployment to end. */
  readonly cancel: AbortSignal
  readonly note: (line: string) => void
}

export type StepResult =
  /** The deployment is in another state; go on with it. */
  | { readonly kind: 'next'; readonly deployment: Deployment }
  /** Nothing to do for now; look again later. */
  | { readonly kind: 'wait'; readonly delayMs: number; readonly cause: string }
  | { readonly kind: 'done' }

export type DeploymentOutcome = Exclude<StepResult, { readonly kind: 'next' }>
