import { capResources } from '../config/check-against-policy.ts'
import { fillFrom } from '../config/fill-template.ts'
import type { StageConfig, StageServiceConfig, StepConfig, Variables } from '../config/repository-config.ts'
import type { RepositoryLimits } from '../config/server-config.ts'

/** A stage for one combination of its matrix, within the admin's limits. Cache keys are filled when the files are at hand. */
export function fillStage(stage: StageConfig, combination: Variables, limits: RepositoryLimits): StageConfig {
  const fill = (text: string): string => fillFrom(text, combination).text
  return {
    ...stage,
    env: fillVariables(stage.env, combination),
    timeoutMs: Math.min(stage.timeoutMs, limits.timeoutMs),
    resources: capResources(stage.resources, limits),
    services: Object.fromEntries(
      Object.entries(stage.services).map(([key, service]): [string, StageServiceConfig] => [
        key,
        { ...service, image: fill(service.image), env: fillVariables(service.env, combination) },
      ]),
    ),
    steps: stage.steps.map((step): StepConfig => ({
      ...step,
      name: fill(step.name),
      image: fill(step.image),
      env: fillVariables(step.env, combination),
    })),
  }
}

export function fillVariables(variables: Variables, values: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, fillFrom(value, values).text]))
}
