import { z } from 'zod'
import {
  byteSize,
  commands,
  cron,
  duration,
  glob,
  hostname,
  imageReference,
  line,
  name,
  platform,
  port,
  textValue,
  timeZone,
  urlPath,
  variableName,
} from './schema-scalars.ts'

const MEBIBYTE = 1024 * 1024

/** Text that a log must not show; `${NAME}` is replaced before the schema looks at it. */
const secretText = textValue.refine((text) => text !== '', 'may not be empty')

const tls = z.strictObject({
  ca: line.describe('PEM file of the authority that signed the server certificate'),
  cert: line.describe('PEM file of our certificate'),
  key: line.describe('PEM file of our key'),
})

const host = z.strictObject({
  endpoint: z.string().describe('unix:///path, tcp://host:port or ssh://user@host:port'),
  tls: tls.optional().describe('Needed by tcp://'),
  host_key: z
    .string()
    .regex(
      /^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}(?: .*)?$/,
      'expected a public key such as "ssh-ed25519 AAAA..."\nssh-keyscan prints it',
    )
    .optional()
    .describe('Needed by ssh://: the pinned public key of the host'),
  identity: line.optional().describe('Needed by ssh://: path of the private key'),
  platforms: z.array(platform).min(1).default(['linux/amd64']),
  proxy: z
    .strictObject({
      image: imageReference.default('haproxy:lts'),
      http: port.default(8080).describe('Port on the host'),
      https: port.optional().describe('Port on the host; needs certificates'),
      certificates: line.optional().describe('Folder on the host with one PEM bundle per domain'),
    })
    .prefault({})
    .describe("The container driver's proxy on this host"),
  unikernel: z
    .strictObject({
      directory: z
        .string()
        .regex(/^\/[\w./-]*$/, 'expected an absolute path')
        .refine((path) => !path.split('/').includes('..'), 'may not hold ..'),
      redeploy: z
        .string()
        .regex(/^[\w./-]+$/, 'expected the name of a command, without arguments')
        .default('mirage-redeploy')
        .describe('Run as: redeploy NAME'),
    })
    .optional()
    .describe('Needed by the unikernel driver'),
  builds: z.boolean().default(true).describe('May build images and run stages'),
  deploys: z.boolean().default(true).describe('May run services'),
  max_concurrent: z.int('expected a whole number').min(1, 'expected at least 1').max(1000).default(2),
})

const instance = z.strictObject({
  domain: z.string().regex(/^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/, 'expected a domain, without a scheme'),
  token: secretText,
  labels: z.record(name, textValue).default({}),
})

const pool = z.strictObject({
  timeout: duration().prefault('45m').describe('Default reservation'),
  max_timeout: duration().prefault('4h'),
  cleaning: z
    .strictObject({ image: imageReference, commands: commands.min(1), timeout: duration().prefault('5m') })
    .optional()
    .describe('Between two users'),
  health: z
    .strictObject({ path: urlPath.default('/'), timeout: duration().prefault('5s') })
    .optional()
    .describe('Asked before an instance is handed out'),
  instances: z.array(instance).default([]),
})

export const limitsSchema = z.strictObject({
  memory: byteSize(6 * MEBIBYTE).prefault('4g'),
  cpus: z.number().positive('expected more than 0').max(1024).default(2),
  pids: z.int('expected a whole number').min(1, 'expected at least 1').max(1_000_000).default(1024),
  timeout: duration().prefault('2h'),
  log: byteSize(64 * 1024).prefault('50m'),
})

const repository = z.strictObject({
  hosts: z.array(name).optional().describe('Where it may build and deploy'),
  deploy_branches: z.array(glob).default(['live', 'live-*']),
  pools: z.array(name).default([]),
  fork_pull_requests: z
    .enum(['approve', 'ignore', 'run'])
    .default('approve')
    .describe('run: at once, never with secrets'),
  max_concurrent: z.int('expected a whole number').min(1, 'expected at least 1').max(1000).default(2),
  limits: limitsSchema.prefault({}),
  freeze: z
    .array(z.strictObject({ cron, duration: duration(), tz: timeZone.default('UTC'), reason: line.default('freeze') }))
    .default([])
    .describe('Windows in which nothing is deployed'),
  require_approval: z.array(line).default([]).describe('Environments whose deployments a person approves'),
  secrets: z.record(variableName, secretText).default({}),
})

const repositoryPattern = z
  .string()
  .regex(/^[A-Za-z\d](?:[A-Za-z\d-]{0,38})\/(?:\*|[\w.-]{1,100})$/, 'expected owner/name or owner/*')

const registryHost = z
  .string()
  .refine((text) => hostname.safeParse(text.replace(/:\d{1,5}$/, '')).success, 'expected the host name of a registry')

export const serverSchema = z.strictObject({
  admins: z.array(z.string().regex(/^[A-Za-z\d][A-Za-z\d-]{0,38}$/, 'expected a GitHub login')).default([]),
  hosts: z.record(name, host).optional().describe('Docker hosts; default: one called default at DOCKER_HOST'),
  pools: z.record(name, pool).default({}).describe('The pool default is the one behind /api/instances'),
  repositories: z
    .record(repositoryPattern, repository)
    .default({})
    .describe('owner/name or owner/*; the first that matches counts'),
  registries: z.record(registryHost, z.strictObject({ username: line, password: secretText })).default({}),
  tokens: z
    .array(
      z.strictObject({
        name,
        scope: z.enum(['pool', 'runner', 'packages', 'read', 'admin']),
        token: secretText,
        pools: z.array(name).optional().describe('Scope pool: only these'),
      }),
    )
    .default([]),
})

export type WrittenServer = z.output<typeof serverSchema>
export type WrittenHost = z.output<typeof host>
export type WrittenPool = z.output<typeof pool>
export type WrittenRule = z.output<typeof repository>
