import { z } from 'zod'
import type { HealthcheckConfig, PreviewConfig, ServiceConfig, ServiceImage } from './repository-config.ts'
import {
  branchName,
  commands,
  duration,
  hostname,
  httpUrl,
  imageReference,
  line,
  name,
  port,
  urlPath,
  variableNames,
  variables,
} from './schema-scalars.ts'

const SECOND = 1000

const externalImage = z.strictObject({
  ref: imageReference.describe('A full image reference'),
  refresh: duration({ min: 60 * SECOND })
    .optional()
    .describe('How often the reference is looked up again'),
})

const healthcheck = z.strictObject({
  path: urlPath.default('/up').describe('Asked with GET; any 2xx or 3xx answer is healthy'),
  interval: duration({ min: SECOND / 10 })
    .prefault('1s')
    .describe('Between two questions'),
  timeout: duration({ min: SECOND / 10 })
    .prefault('5s')
    .describe('For one answer'),
  deadline: duration().prefault('30s').describe('Until the first healthy answer'),
})

const preview = z.strictObject({
  pull_requests: z.boolean().default(true).describe('Deploy a copy per pull request'),
  forks: z.boolean().default(false).describe('Also for pull requests from forks'),
  ttl: duration({ min: 60 * SECOND })
    .prefault('7d')
    .describe('How long a copy lives'),
  domain: z
    .string()
    .refine(
      (text) => hostname.safeParse(text.replaceAll(/\$\{[^{}$]+\}/g, 'x')).success,
      'this is not a host name\nfor example pr-${number}.www.example.com',
    )
    .optional()
    .describe("The copy's domain; ${number} is the pull request's. Default: pr-${number}. before the first domain"),
})

export const serviceSchema = z.strictObject({
  image: z.union([z.string(), externalImage]).describe('A key of images, or {ref, refresh}'),
  branch: branchName.describe('The live branch: its head should be live'),
  host: name.default('default').describe('A Docker host that an admin gave to this repository'),
  driver: z.enum(['swarm', 'container', 'unikernel']).default('swarm').describe('How the service runs'),
  name: name.optional().describe('Its name on the host; default: the key'),
  environment: line.max(255).optional().describe("GitHub environment; default: the host's name"),
  url: httpUrl.optional().describe('Where the service answers; shown on GitHub'),
  port: port.optional().describe('Where the process listens'),
  domains: z.array(hostname).default([]).describe('Container driver: names the proxy answers to'),
  replicas: z
    .int('expected a whole number')
    .min(1, 'expected at least 1')
    .max(1000)
    .default(1)
    .describe('How many copies run'),
  healthcheck: healthcheck.optional().describe('When the new version counts as healthy'),
  bake: duration({ min: 0 }).prefault('10s').describe('How long it must stay healthy before it counts as live'),
  env: variables.default({}).describe('Environment variables'),
  secrets: variableNames.default([]).describe('Names of secrets an admin stored'),
  hooks: z
    .strictObject({ pre_deploy: commands.default([]), post_deploy: commands.default([]) })
    .prefault({})
    .describe('Commands run inside the new image'),
  preview: preview.optional().describe('A copy per pull request'),
  unikernel: z.enum(['hvt', 'xen']).optional().describe('Unikernel driver: the target'),
})

type WrittenService = z.output<typeof serviceSchema>

export function resolveService(key: string, written: WrittenService): ServiceConfig {
  return {
    key,
    image: resolveServiceImage(written.image),
    branch: written.branch,
    host: written.host,
    driver: written.driver,
    name: written.name ?? key,
    environment: written.environment ?? written.host,
    url: written.url ?? null,
    port: written.port ?? null,
    domains: written.domains,
    replicas: written.replicas,
    healthcheck: resolveHealthcheck(written.healthcheck),
    bakeMs: written.bake,
    env: written.env,
    secrets: written.secrets,
    hooks: { preDeploy: written.hooks.pre_deploy, postDeploy: written.hooks.post_deploy },
    preview: resolvePreview(written.preview, written.domains),
    unikernel: written.driver === 'unikernel' ? (written.unikernel ?? 'hvt') : null,
  }
}

function resolveServiceImage(written: WrittenService['image']): ServiceImage {
  if (typeof written === 'string') return { kind: 'built', key: written }
  return { kind: 'ref', ref: written.ref, refreshMs: written.refresh ?? null }
}

function resolveHealthcheck(written: WrittenService['healthcheck']): HealthcheckConfig | null {
  if (written === undefined) return null
  return { path: written.path, intervalMs: written.interval, timeoutMs: written.timeout, deadlineMs: written.deadline }
}

function resolvePreview(written: WrittenService['preview'], domains: readonly string[]): PreviewConfig | null {
  if (written === undefined) return null
  const derived = domains[0] === undefined ? null : `pr-\${number}.${domains[0]}`
  return {
    pullRequests: written.pull_requests,
    forks: written.forks,
    ttlMs: written.ttl,
    domain: written.domain ?? derived,
  }
}
