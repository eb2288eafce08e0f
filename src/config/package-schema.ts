import { z } from 'zod'
import type { PackageConfig } from './repository-config.ts'
import { commands, duration, globs, imageReference, innerGlob, innerPath } from './schema-scalars.ts'
import { matrixAxes, resolveResources, resources } from './shared-schema.ts'

export const packageSchema = z.strictObject({
  tags: globs.describe('Patterns of the tags that are built'),
  matrix: matrixAxes.optional().describe('One build per combination; any axis name'),
  image: imageReference.describe('Image of the build; axes are filled in'),
  commands: commands.min(1, 'a package needs a command').describe('What builds the artifact'),
  artifact: innerGlob.describe('Pattern of the one file that is published'),
  network: z.enum(['default', 'none']).default('none').describe('Network of the build itself'),
  fetch: commands.default([]).describe('Commands that may use the network, before the build'),
  timeout: duration().prefault('15m'),
  resources: resources.prefault({}),
  dependencies: innerPath.optional().describe('A file that names tagged dependencies, which are built too'),
  notify: z
    .strictObject({ email: z.boolean().default(true) })
    .prefault({})
    .describe('Mail to the author of the tagged commit'),
})

export function resolvePackage(key: string, written: z.output<typeof packageSchema>): PackageConfig {
  return {
    key,
    tags: written.tags,
    matrix: written.matrix === undefined ? null : { axes: written.matrix, exclude: [], failFast: false },
    image: written.image,
    commands: written.commands,
    artifact: written.artifact,
    network: written.network,
    fetch: written.fetch,
    timeoutMs: written.timeout,
    resources: resolveResources(written.resources),
    dependencies: written.dependencies ?? null,
    notify: written.notify,
  }
}
