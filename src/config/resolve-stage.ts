import type { z } from 'zod'
import type {
  ArtifactsConfig,
  ReadyConfig,
  StageConfig,
  StageServiceConfig,
  StepConfig,
  WhenRule,
} from './repository-config.ts'
import { resolveMatrix, resolveResources } from './shared-schema.ts'
import type { stageSchema } from './stage-schema.ts'

export type WrittenStage = z.output<typeof stageSchema>
type WrittenService = WrittenStage['services'][string]
type WrittenStep = WrittenStage['steps'][number]

/** `pipelineImage` is the default; a step without any image keeps an empty one, which `check-pipeline.ts` reports. */
export function resolveStage(key: string, written: WrittenStage, pipelineImage: string | null): StageConfig {
  const image = written.image ?? pipelineImage ?? ''
  return {
    key,
    dependsOn: [...new Set(written.depends_on)],
    when: written.when.map(resolveWhen),
    pool: written.pool === undefined ? null : { name: written.pool.name, timeoutMs: written.pool.timeout ?? null },
    services: Object.fromEntries(
      Object.entries(written.services).map(([serviceKey, service]) => [
        serviceKey,
        resolveStageService(serviceKey, service),
      ]),
    ),
    matrix: written.matrix === undefined ? null : resolveMatrix(written.matrix),
    env: written.env,
    timeoutMs: written.timeout,
    retry: written.retry ?? { max: 0, on: ['infra'] },
    cache: written.cache,
    artifacts: written.artifacts === undefined ? null : resolveArtifacts(written.artifacts),
    secrets: written.secrets,
    successExit: written.success_exit,
    failure: written.failure,
    resources: resolveResources(written.resources),
    network: written.network,
    steps: written.steps.map((step, index) => resolveStep(step, index, image)),
  }
}

function resolveWhen(written: WrittenStage['when'][number]): WhenRule {
  return { event: written.event ?? null, branch: written.branch ?? null, paths: written.paths ?? null }
}

function resolveStageService(key: string, written: WrittenService): StageServiceConfig {
  return {
    key,
    image: written.image,
    command: written.command,
    env: written.env,
    ready: written.ready === undefined ? null : resolveReady(written.ready),
  }
}

function resolveReady(written: NonNullable<WrittenService['ready']>): ReadyConfig {
  if ('port' in written) return { kind: 'port', port: written.port, timeoutMs: written.timeout }
  return { kind: 'command', command: written.command, timeoutMs: written.timeout }
}

function resolveArtifacts(written: NonNullable<WrittenStage['artifacts']>): ArtifactsConfig {
  return {
    paths: written.paths,
    when: written.when,
    expireMs: written.expire,
    report: { junit: written.report.junit ?? null },
  }
}

function resolveStep(written: WrittenStep, index: number, stageImage: string): StepConfig {
  return {
    name: written.name ?? `step ${index + 1}`,
    image: written.image ?? stageImage,
    commands: written.commands,
    env: written.env,
    failure: written.failure,
    timeoutMs: written.timeout ?? null,
  }
}
