/** A new, empty GitHub with one registered app. */
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { loadSchemas } from '../openapi/schemas.ts'
import { ensureAccount } from './accounts.ts'
import type { AppRegistration, Permissions } from './identities.ts'
import type { World } from './world.ts'

export interface WorldOptions {
  readonly origin: string
  readonly dataDirectory: string
  readonly webhookUrl: string | undefined
  readonly webhookSecret: string | undefined
  readonly permissions: Permissions | undefined
  readonly events: readonly string[] | undefined
  readonly now: () => Date
}

/** What Slipway asks for in its `app.yml`. */
const defaultPermissions: Permissions = {
  actions: 'read',
  checks: 'write',
  contents: 'read',
  deployments: 'write',
  members: 'read',
  merge_queues: 'read',
  metadata: 'read',
  pull_requests: 'read',
  statuses: 'write',
}

const defaultEvents = [
  'check_run',
  'check_suite',
  'create',
  'delete',
  'merge_group',
  'pull_request',
  'push',
  'repository',
  'workflow_run',
]

/** Requests an hour of an installation. */
const defaultRateLimit = 5_000

export function createWorld(options: WorldOptions): World {
  let lastId = 1_000
  const nextId = (): number => (lastId += 1)
  const world: World = {
    origin: options.origin,
    dataDirectory: options.dataDirectory,
    controlToken: randomBytes(24).toString('hex'),
    app: registerApp(options, nextId),
    schemas: loadSchemas(),
    now: options.now,
    nextId,
    accounts: new Map(),
    repositories: new Map(),
    installations: new Map(),
    tokens: new Map(),
    grants: new Map(),
    manifests: new Map(),
    checkSuites: new Map(),
    checkRuns: new Map(),
    statuses: [],
    deployments: new Map(),
    environments: [],
    pullRequests: [],
    workflowRuns: new Map(),
    deliveries: [],
    webhookFaults: [],
    restFaults: [],
    heldDeliveries: [],
    rate: { limit: defaultRateLimit, used: new Map(), created: new Map() },
    problems: [],
    warnings: new Map(),
    calls: [],
    login: { autoApproveAs: 'octocat' },
    sending: new Set(),
    closing: new AbortController(),
  }
  const owner = ensureAccount(world, 'octocat')
  world.app.ownerId = owner.id
  return world
}

function registerApp(options: WorldOptions, nextId: () => number): AppRegistration {
  return {
    id: nextId(),
    slug: 'slipway',
    name: 'Slipway',
    ownerId: 0,
    clientId: `Iv1.${randomBytes(8).toString('hex')}`,
    clientSecret: randomBytes(20).toString('hex'),
    ...generateKeys(),
    webhookUrl: options.webhookUrl,
    webhookSecret: options.webhookSecret ?? randomBytes(16).toString('hex'),
    permissions: options.permissions ?? defaultPermissions,
    events: options.events ?? defaultEvents,
    hookId: nextId(),
    createdAt: options.now().toISOString(),
  }
}

/** An app's key pair, as GitHub hands it out. */
export function generateKeys(): { privateKey: string; publicKey: string } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  return {
    privateKey: String(privateKey.export({ type: 'pkcs1', format: 'pem' })),
    publicKey: String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })),
  }
}
