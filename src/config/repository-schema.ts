import { z } from 'zod'
import { imageSchema, resolveImage } from './image-schema.ts'
import { packageSchema, resolvePackage } from './package-schema.ts'
import { pipelineSchema, resolvePipeline } from './pipeline-schema.ts'
import type { Named, RepositoryConfig } from './repository-config.ts'
import { name } from './schema-scalars.ts'
import { resolveService, serviceSchema } from './service-schema.ts'

/** `.github/slipway.yml` as it may be written. Closed at every level: what it does not know, it refuses. */
export const repositorySchema = z.strictObject({
  version: z.literal(1, 'the only version is 1').default(1).describe('Version of this format'),
  _extends: z
    .string()
    .optional()
    .describe('Another file to start from: repository, owner/repository or owner/repository:path.yml'),
  images: z
    .record(name, imageSchema)
    .default({})
    .describe('Built for every branch and pull request: the check run deployability'),
  services: z.record(name, serviceSchema).default({}).describe('What a push to a live branch upgrades'),
  pipeline: pipelineSchema.optional().describe('Stages that run in containers'),
  packages: z.record(name, packageSchema).default({}).describe('Built for tags'),
  notify: z
    .strictObject({ slack: z.boolean().default(true) })
    .prefault({})
    .describe('Messages about deployments'),
})

export function resolveRepositoryConfig(written: z.output<typeof repositorySchema>): RepositoryConfig {
  return {
    version: 1,
    images: resolveEach(written.images, resolveImage),
    services: resolveEach(written.services, resolveService),
    pipeline: written.pipeline === undefined ? null : resolvePipeline(written.pipeline),
    packages: resolveEach(written.packages, resolvePackage),
    notify: written.notify,
  }
}

function resolveEach<Written, Resolved>(
  written: Readonly<Record<string, Written>>,
  resolve: (key: string, value: Written) => Resolved,
): Named<Resolved> {
  return Object.fromEntries(Object.entries(written).map(([key, value]) => [key, resolve(key, value)]))
}
