import { dependencyFaults } from './check-dependencies.ts'
import { matrixFaults } from './check-matrix.ts'
import { templateFaults, variablesTemplateFaults } from './check-templates.ts'
import type { ConfigFault, ConfigSource } from './config-source.ts'
import type { PipelineConfig, StageConfig, StepConfig } from './repository-config.ts'
import { resourceName } from './shared-schema.ts'
import type { KeyPath } from './yaml-reading.ts'

const GROUP_NAMES = ['branch', 'tag', 'event', 'ref', 'number']

export function pipelineFaults(pipeline: PipelineConfig, source: ConfigSource): readonly ConfigFault[] {
  const stages = Object.values(pipeline.stages)
  return [
    ...templateFaults(pipeline.concurrency.group, ['pipeline', 'concurrency', 'group'], GROUP_NAMES),
    ...inputFaults(pipeline),
    ...collisionFaults(
      stages.map((stage) => stage.key),
      ['pipeline', 'stages'],
    ),
    ...dependencyFaults(pipeline.stages),
    ...stages.flatMap((stage) => stageFaults(stage, pipeline, source)),
  ]
}

/** Names that become the same container or volume name. */
export function collisionFaults(names: readonly string[], path: KeyPath): readonly ConfigFault[] {
  return names.flatMap((name, index) => {
    const twin = names.slice(0, index).find((earlier) => resourceName(earlier) === resourceName(name))
    if (twin === undefined) return []
    return [
      {
        path: [...path, name],
        at: 'key',
        message: `${name} and ${twin} become the same name on the host`,
        hint: 'rename one of them',
      },
    ]
  })
}

function stageFaults(stage: StageConfig, pipeline: PipelineConfig, source: ConfigSource): readonly ConfigFault[] {
  const path = ['pipeline', 'stages', stage.key]
  const axes = Object.keys(stage.matrix?.axes ?? {})
  return [
    ...matrixFaults(stage.matrix, [...path, 'matrix'], [...path, 'matrix', 'axes']),
    ...variablesTemplateFaults(pipeline.env, ['pipeline', 'env'], axes),
    ...variablesTemplateFaults(stage.env, [...path, 'env'], axes),
    ...collisionFaults(Object.keys(stage.services), [...path, 'services']),
    ...Object.values(stage.services).flatMap((service) => [
      ...templateFaults(service.image, [...path, 'services', service.key, 'image'], axes),
      ...variablesTemplateFaults(service.env, [...path, 'services', service.key, 'env'], axes),
    ]),
    ...stage.cache.flatMap((cache, index) =>
      [cache.key, ...cache.restore].flatMap((text, part) =>
        templateFaults(
          text,
          [...path, 'cache', index, ...(part === 0 ? ['key'] : ['restore', part - 1])],
          [...axes, 'branch', 'hash:'],
        ),
      ),
    ),
    ...stage.steps.flatMap((step, index) => [
      ...templateFaults(step.image, imagePath([...path, 'steps', index, 'image'], path, source), axes),
      ...stepFaults(step, stage, [...path, 'steps', index], axes),
    ]),
  ]
}

/** Where the image of a step is written: in the step, its stage or the pipeline. */
function imagePath(ofStep: KeyPath, stage: KeyPath, source: ConfigSource): KeyPath {
  const candidates = [ofStep, [...stage, 'image'], ['pipeline', 'image']]
  return candidates.find((path) => source.has(path)) ?? ofStep
}

function stepFaults(
  step: StepConfig,
  stage: StageConfig,
  path: KeyPath,
  axes: readonly string[],
): readonly ConfigFault[] {
  const faults: ConfigFault[] = [
    ...templateFaults(step.name, [...path, 'name'], axes),
    ...variablesTemplateFaults(step.env, [...path, 'env'], axes),
  ]
  if (step.image === '') {
    faults.push({ path, message: 'this step has no image', hint: 'name one here, in the stage or in the pipeline' })
  }
  if (stage.steps.find((other) => other.name === step.name) !== step) {
    faults.push({
      path: [...path, 'name'],
      message: `another step of this stage is called ${step.name}`,
      hint: 'rename one of them',
    })
  }
  if (step.timeoutMs !== null && step.timeoutMs > stage.timeoutMs) {
    faults.push({
      path: [...path, 'timeout'],
      message: "longer than the stage's own timeout",
      hint: 'raise the timeout of the stage',
    })
  }
  return faults
}

/** Inputs become environment variables, so a person who starts a run by hand must not be able to replace these. */
const RESERVED_INPUT = /^(?:PATH|HOME|SHELL|IFS|ENV|BASH_ENV|LD_.*|NODE_OPTIONS|CI|SLIPWAY.*|MPKIT_.*)$/

function inputFaults(pipeline: PipelineConfig): readonly ConfigFault[] {
  return Object.values(pipeline.on.manual?.inputs ?? {}).flatMap((input): readonly ConfigFault[] => {
    const path = ['pipeline', 'on', 'manual', 'inputs', input.key]
    if (RESERVED_INPUT.test(input.key.toUpperCase())) {
      return [{ path, at: 'key', message: `${input.key} is a name that steps rely on`, hint: 'choose another name' }]
    }
    if (input.default === null || input.options === null || input.options.includes(input.default)) return []
    return [
      {
        path: [...path, 'default'],
        message: 'the default is not one of the options',
        hint: `allowed: ${input.options.join(', ')}`,
      },
    ]
  })
}
