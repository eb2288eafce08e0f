import { z } from 'zod'
import type { InputConfig, PipelineConfig, PipelineTriggers } from './repository-config.ts'
import { resolveStage } from './resolve-stage.ts'
import {
  branchName,
  cron,
  globs,
  imageReference,
  line,
  name,
  textValue,
  timeZone,
  variableName,
  variables,
} from './schema-scalars.ts'
import { stageSchema } from './stage-schema.ts'

const EVERYTHING = ['**']

const input = z.strictObject({
  description: line.optional(),
  default: textValue.optional(),
  required: z.boolean().default(false),
  options: z.array(textValue).min(1).optional().describe('The allowed values; default: any'),
})

const schedule = z.strictObject({
  cron: cron.describe('Five fields: minute hour day month weekday'),
  branch: branchName.optional().describe("Default: the repository's default branch"),
  tz: timeZone.default('UTC').describe('IANA time zone'),
})

/** A trigger that is there counts, also when nothing is written behind it. */
const triggers = z.strictObject({
  push: z
    .strictObject({ branches: globs.prefault(EVERYTHING) })
    .nullish()
    .describe('Pushes to these branches'),
  pull_request: z
    .strictObject({ branches: globs.prefault(EVERYTHING) })
    .nullish()
    .describe('Pull requests against these branches'),
  tag: z
    .strictObject({ tags: globs.prefault(EVERYTHING) })
    .nullish()
    .describe('Tags that match'),
  schedule: z.array(schedule).default([]),
  manual: z
    .strictObject({ inputs: z.record(variableName, z.union([input, textValue])).default({}) })
    .nullish()
    .describe('Started by hand, with these inputs; text stands for the default'),
})

export const pipelineSchema = z.strictObject({
  on: triggers
    .prefault({ push: {}, pull_request: {}, manual: {} })
    .describe('What starts the pipeline; default: push, pull_request, manual'),
  image: imageReference.optional().describe('Default image of stages'),
  env: variables.default({}).describe('Environment of every step'),
  concurrency: z
    .strictObject({
      group: line
        .default('${branch}')
        .describe('Runs of one group are in line; ${branch}, ${tag}, ${event}, ${ref} and ${number} are filled in'),
      cancel_superseded: z.boolean().default(true).describe('A newer run of the group cancels the older'),
    })
    .prefault({}),
  stages: z.record(name, stageSchema).refine((stages) => Object.keys(stages).length > 0, 'a pipeline needs a stage'),
})

type WrittenPipeline = z.output<typeof pipelineSchema>

export function resolvePipeline(written: WrittenPipeline): PipelineConfig {
  const image = written.image ?? null
  return {
    on: resolveTriggers(written.on),
    image,
    env: written.env,
    concurrency: { group: written.concurrency.group, cancelSuperseded: written.concurrency.cancel_superseded },
    stages: Object.fromEntries(
      Object.entries(written.stages).map(([key, stage]) => [key, resolveStage(key, stage, image)]),
    ),
  }
}

function resolveTriggers(written: WrittenPipeline['on']): PipelineTriggers {
  return {
    push: written.push === undefined ? null : { branches: written.push?.branches ?? EVERYTHING },
    pullRequest: written.pull_request === undefined ? null : { branches: written.pull_request?.branches ?? EVERYTHING },
    tag: written.tag === undefined ? null : { tags: written.tag?.tags ?? EVERYTHING },
    schedule: written.schedule.map((entry) => ({ cron: entry.cron, branch: entry.branch ?? null, tz: entry.tz })),
    manual: written.manual === undefined ? null : { inputs: resolveInputs(written.manual?.inputs ?? {}) },
  }
}

function resolveInputs(
  written: Readonly<Record<string, string | z.output<typeof input>>>,
): Readonly<Record<string, InputConfig>> {
  return Object.fromEntries(Object.entries(written).map(([key, value]) => [key, resolveInput(key, value)]))
}

function resolveInput(key: string, written: string | z.output<typeof input>): InputConfig {
  if (typeof written === 'string') return { key, description: null, default: written, required: false, options: null }
  return {
    key,
    description: written.description ?? null,
    default: written.default ?? null,
    required: written.required,
    options: written.options ?? null,
  }
}
