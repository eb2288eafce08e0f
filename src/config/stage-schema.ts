import { z } from 'zod'
import { resources, stageMatrix } from './shared-schema.ts'
import {
  commands,
  duration,
  globs,
  imageReference,
  innerGlob,
  line,
  name,
  oneOrMany,
  port,
  variableNames,
  variables,
} from './schema-scalars.ts'

export const EVENTS = ['push', 'pull_request', 'tag', 'schedule', 'manual', 'merge_group'] as const

const whenRule = z.strictObject({
  event: oneOrMany(z.enum(EVENTS)).optional().describe('Any of these events'),
  branch: globs.optional().describe('Patterns of the branch; of the base branch for pull requests'),
  paths: globs.optional().describe('Patterns of changed paths; one that changed is enough'),
})

const READY_TIMEOUT = duration().prefault('60s').describe('How long the service may take to become ready')
const ready = z.union([
  z.strictObject({ port: port.describe('Ready when this port accepts a connection'), timeout: READY_TIMEOUT }),
  z.strictObject({
    command: oneOrMany(z.string().min(1)).describe('Ready when this command, run inside the service, exits 0'),
    timeout: READY_TIMEOUT,
  }),
])

const stageService = z.strictObject({
  image: imageReference.describe('Image of the service; its key is its host name'),
  command: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .default([])
    .describe("Default: the image's own"),
  env: variables.default({}),
  ready: ready.optional().describe('When steps may start: {port} or {command}'),
})

const cache = z.strictObject({
  key: line.max(512).describe('${hash:FILE}, ${branch} and matrix axes are filled in'),
  restore: z.array(line).default([]).describe('Prefixes tried in order when the key is not there'),
  paths: z.array(innerGlob).min(1).describe('What is kept, from the workspace'),
})

const artifacts = z.strictObject({
  paths: z.array(innerGlob).min(1).describe('Patterns of files to keep'),
  when: z.enum(['success', 'failure', 'always']).default('success').describe('After which result'),
  expire: duration().prefault('30d').describe('How long they are kept'),
  report: z.strictObject({ junit: innerGlob.optional().describe('JUnit files, shown as annotations') }).prefault({}),
})

const step = z.strictObject({
  name: line.max(100).optional().describe('Default: step and its number'),
  image: imageReference.optional().describe("Default: the stage's"),
  commands: commands
    .min(1, 'a step needs a command')
    .describe('Run one after the other by the shell of the image; the first that fails ends the step'),
  env: variables.default({}),
  failure: z.enum(['fail', 'ignore']).default('fail').describe('ignore: the stage goes on'),
  timeout: duration().optional().describe("Default: what is left of the stage's"),
})

export const stageSchema = z.strictObject({
  image: imageReference.optional().describe("Default: the pipeline's"),
  depends_on: z
    .union([name, z.array(name)])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .default([])
    .describe('Stages that must have succeeded'),
  when: z
    .union([whenRule, z.array(whenRule)])
    .transform((value) => (Array.isArray(value) ? value : [value]))
    .default([])
    .describe('Runs when one of these holds; default: always'),
  pool: z
    .strictObject({
      name: name.default('default'),
      timeout: duration().optional().describe("Default: the pool's"),
    })
    .optional()
    .describe('Hold an instance of this pool for the stage'),
  services: z.record(name, stageService).default({}).describe('Containers beside the steps'),
  matrix: stageMatrix.optional().describe('Run the stage once per combination'),
  env: variables.default({}),
  timeout: duration().prefault('15m'),
  retry: z
    .strictObject({
      max: z
        .int('expected a whole number')
        .min(0)
        .max(10, 'expected at most 10')
        .default(1)
        .describe('Attempts after the first'),
      on: oneOrMany(z.enum(['exit', 'timeout', 'infra']))
        .prefault(['infra'])
        .describe('After which kinds of failure'),
    })
    .optional(),
  cache: z.array(cache).default([]),
  artifacts: artifacts.optional(),
  secrets: variableNames.default([]).describe('Names of secrets an admin stored'),
  success_exit: oneOrMany(
    z
      .int('expected an exit code')
      .min(0, 'expected an exit code from 0 to 255')
      .max(255, 'expected an exit code from 0 to 255'),
  ).prefault([0]),
  failure: z.enum(['fail', 'ignore']).default('fail').describe('ignore: the pipeline goes on'),
  resources: resources.prefault({}),
  network: z.enum(['default', 'none']).default('default'),
  steps: z.array(step).min(1, 'a stage needs a step').max(1000),
})
