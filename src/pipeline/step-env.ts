import { combinationEnv } from '../config/expand-matrix.ts'
import type { StepConfig, Variables } from '../config/repository-config.ts'
import { reveal, type Secret } from '../core/secret.ts'
import type { RunSource } from '../core/run.ts'
import { pipelineEvent } from './pipeline-source.ts'
import type { HeldInstance, StageIdentity } from './ports.ts'
import { WORKSPACE_PATH } from './ports.ts'
import type { StagePlan } from './stage-plan.ts'

export interface StepEnvInput {
  readonly identity: StageIdentity
  readonly source: RunSource
  readonly plan: StagePlan
  readonly step: StepConfig
  readonly secrets: Readonly<Record<string, Secret>>
  readonly instance: HeldInstance | null
}

/** What a step sees. The file's variables come first, so that none of them can stand in for ours. */
export function stepEnv({ identity, source, plan, step, secrets, instance }: StepEnvInput): Variables {
  return {
    ...plan.env,
    ...plan.config.env,
    ...step.env,
    ...Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, reveal(secret)])),
    CI: 'true',
    SLIPWAY: 'true',
    SLIPWAY_RUN_ID: identity.runId,
    SLIPWAY_STAGE: plan.stage,
    SLIPWAY_REPOSITORY: identity.repository,
    SLIPWAY_SHA: identity.sha,
    SLIPWAY_REF: source.ref,
    SLIPWAY_BRANCH: source.branch ?? '',
    SLIPWAY_TAG: source.tag ?? '',
    SLIPWAY_PULL_REQUEST: source.pullRequest === null ? '' : String(source.pullRequest),
    SLIPWAY_EVENT: pipelineEvent(source.event),
    SLIPWAY_WORKSPACE: WORKSPACE_PATH,
    ...combinationEnv(plan.combination),
    ...instanceEnv(instance),
  }
}

function instanceEnv(instance: HeldInstance | null): Variables {
  if (instance === null) return {}
  const token = reveal(instance.token)
  return {
    SLIPWAY_INSTANCE_DOMAIN: instance.domain,
    SLIPWAY_INSTANCE_URL: instance.url,
    SLIPWAY_INSTANCE_TOKEN: token,
    MPKIT_URL: instance.url,
    MPKIT_TOKEN: token,
  }
}
