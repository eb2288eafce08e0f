import { z } from 'zod'
import type { ImageConfig } from './repository-config.ts'
import { duration, glob, imageReference, innerPath, platform, variables } from './schema-scalars.ts'

const TAGGED = /:[^/]+$/

const publishRule = z.strictObject({
  branch: glob.describe('Pattern of the branches whose images are pushed'),
  tag: imageReference
    .refine((reference) => TAGGED.test(reference), 'the reference has no tag\nwrite registry/name:tag')
    .describe('Where to push: registry/name:tag; ${branch} and ${sha} are filled in'),
})

export const imageSchema = z.strictObject({
  dockerfile: innerPath.default('Dockerfile').describe("Path of the Dockerfile, from the repository's root"),
  context: innerPath.default('.').describe("Folder sent to the build, from the repository's root"),
  platforms: z.array(platform).min(1).default(['linux/amd64']).describe('Platforms to build for'),
  target: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, 'this is not the name of a build stage')
    .optional()
    .describe('Stage of a multi-stage Dockerfile'),
  args: variables.default({}).describe('Build arguments'),
  include_git: z.boolean().default(false).describe('Whether .git is in the context'),
  timeout: duration().prefault('50m').describe('How long the build may take'),
  publish: z.array(publishRule).default([]).describe('Tags to push when a branch moves'),
})

export function resolveImage(key: string, written: z.output<typeof imageSchema>): ImageConfig {
  return {
    key,
    dockerfile: written.dockerfile,
    context: written.context,
    platforms: [...new Set(written.platforms)],
    target: written.target ?? null,
    args: written.args,
    includeGit: written.include_git,
    timeoutMs: written.timeout,
    publish: written.publish,
  }
}
