import { z } from 'zod'
import type { StageConfig, Variables } from '../config/repository-config.ts'
import type { Reason } from './reason.ts'

/** What a run of kind `stage` is to do; kept with the run, so a re-run does the same whatever the file says by then. */
export interface StagePlan {
  readonly format: 1
  readonly stage: string
  readonly combination: Variables
  /** With the matrix filled in and limits lowered to the admin's. */
  readonly config: StageConfig
  /** Of the pipeline and of a manual start, under the stage's own. */
  readonly env: Variables
  readonly host: string
  readonly logBytes: number
  /** Stages of the same group that have to end well first. */
  readonly dependsOn: readonly string[]
  readonly cacheScopes: CacheScopes
  /** False after "Rebuild": nothing is restored. */
  readonly useCache: boolean
  /** Why it runs. */
  readonly why: Reason
}

/** Scopes are named after where the commit comes from; a run writes its own only. */
export interface CacheScopes {
  readonly write: string
  /** In the order in which they are asked. */
  readonly read: readonly string[]
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null

/** Plans are written by this code alone, so `format` answers for what is inside. */
const storedPlan = z.custom<StagePlan>(
  (value) =>
    isRecord(value) &&
    z
      .object({ format: z.literal(1) })
      .loose()
      .safeParse(value).success,
)

/** Throws when the run was planned by a version whose plans this one cannot read. */
export function parseStagePlan(plan: unknown): StagePlan {
  return storedPlan.parse(plan)
}
