/** From an event and the file's `pipeline` to the stages that run and those that do not, each with its reasons. Pure. */
import { combinationSuffix, expandMatrix } from '../config/expand-matrix.ts'
import { fillFrom } from '../config/fill-template.ts'
import type { PipelineConfig, StageConfig, Variables } from '../config/repository-config.ts'
import type { RepositoryLimits } from '../config/server-config.ts'
import { cacheScopes } from './cache-scopes.ts'
import { fillStage, fillVariables } from './fill-stage.ts'
import { matchTriggers, matchWhen, skipMark } from './match-when.ts'
import { pipelineEvent, type PipelineSource } from './pipeline-source.ts'
import { reason, sentence, type Reason } from './reason.ts'
import type { StagePlan } from './stage-plan.ts'

export const STAGE_CHECK_PREFIX = 'pipeline/'

export interface PipelineInput {
  readonly pipeline: PipelineConfig
  readonly source: PipelineSource
  readonly limits: RepositoryLimits
  readonly host: string
  readonly useCache: boolean
}

export type PlannedStage =
  | { readonly kind: 'run'; readonly name: string; readonly plan: StagePlan }
  /** Its check run ends at once, as skipped. */
  | {
      readonly kind: 'skip'
      readonly name: string
      readonly stage: string
      readonly why: Reason
      readonly words: string
    }

export type PipelinePlan =
  /** The pipeline does not react to this: there are no check runs. */
  | { readonly kind: 'silent'; readonly why: Reason }
  | {
      readonly kind: 'stages'
      readonly stages: readonly PlannedStage[]
      /** Runs of one group replace older ones; null: they all run to their end. */
      readonly concurrencyGroup: string | null
    }

export function planPipeline(input: PipelineInput): PipelinePlan {
  const { pipeline, source } = input
  const trigger = matchTriggers(pipeline.on, source)
  if (!trigger.holds) return { kind: 'silent', why: trigger }
  const mark = skipMark(source)
  return {
    kind: 'stages',
    stages: Object.values(pipeline.stages).flatMap((stage) => planStage(input, stage, trigger, mark)),
    concurrencyGroup: pipeline.concurrency.cancelSuperseded ? concurrencyGroup(pipeline, source) : null,
  }
}

export function stageCheckName(stage: string, combination: Variables): string {
  return `${STAGE_CHECK_PREFIX}${stage}${combinationSuffix(combination)}`
}

function planStage(
  input: PipelineInput,
  stage: StageConfig,
  trigger: Reason,
  mark: string | null,
): readonly PlannedStage[] {
  const expansion = expandMatrix(stage.matrix)
  // More is refused when the file is read.
  const combinations = expansion.kind === 'combinations' ? expansion.combinations : []
  const when = mark === null ? matchWhen(stage.when, input.source) : reason(false, `the commit message says ${mark}`)
  return combinations.map((combination): PlannedStage => {
    const name = stageCheckName(stage.key, combination)
    if (!when.holds) return { kind: 'skip', name, stage: stage.key, why: when, words: sentence(when) }
    return { kind: 'run', name, plan: stagePlan(input, stage, combination, reason(true, 'it runs', [trigger, when])) }
  })
}

function stagePlan(input: PipelineInput, stage: StageConfig, combination: Variables, why: Reason): StagePlan {
  const { pipeline, source, limits, host, useCache } = input
  return {
    format: 1,
    stage: stage.key,
    combination,
    config: fillStage(stage, combination, limits),
    env: { ...fillVariables(pipeline.env, combination), ...source.inputs },
    host,
    logBytes: limits.logBytes,
    dependsOn: stage.dependsOn,
    cacheScopes: cacheScopes(source),
    useCache,
    why,
  }
}

function concurrencyGroup(pipeline: PipelineConfig, source: PipelineSource): string {
  const values = {
    branch: source.branch ?? source.tag ?? source.ref,
    tag: source.tag ?? '',
    event: pipelineEvent(source.event),
    ref: source.ref,
    number: source.pullRequest === null ? '' : String(source.pullRequest),
  }
  return fillFrom(pipeline.concurrency.group, values).text
}
