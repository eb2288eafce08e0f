/** What every feature is built on, made once per process. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { BlobStore } from '../core/blob-store.ts'
import { systemClock, type Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { RunLogs } from '../core/run-log.ts'
import type { RunStore } from '../core/run-store.ts'
import { reveal, type Secret } from '../core/secret.ts'
import type { RepositoryRef } from '../core/events.ts'
import { resolveRepositoryPolicy } from '../config/repository-policy.ts'
import type { RepositoryPolicy, ServerConfig } from '../config/server-config.ts'
import type { Settings } from '../config/settings.ts'
import { createYamlParser, type YamlParser } from '../config/yaml-parser.ts'
import { createFolderBlobStore } from '../blobs/folder-blob-store.ts'
import { parseS3Url } from '../blobs/s3-address.ts'
import { createS3BlobStore } from '../blobs/s3-blob-store.ts'
import { createFolderRunLogs } from '../logs/folder-run-logs.ts'
import { connectGitHub, type GitHub } from '../github/connect.ts'
import { createRepositoryReader, type RepositoryReader } from '../github/read-repository.ts'
import { gitMirrors, type Mirrors } from '../git/mirror.ts'
import { createMetrics, type Metrics } from '../metrics/registry.ts'
import type { JobStore } from '../queue/ports.ts'
import type { ApprovalStore, RefStore, RepositoryStore } from '../flow/ports.ts'
import { createAuthenticate, type Authenticate } from '../http/authenticate.ts'
import { createApprovalStore } from '../store/approvals.ts'
import { createAppCredentialStore, type AppCredentialStore } from '../store/app-credentials.ts'
import { createCipher, ensureKeyFits, type Cipher } from '../store/cipher.ts'
import { loadEncryptionKey } from '../store/encryption-key.ts'
import { createInstallationSettings, type InstallationSettings } from '../store/installation-settings.ts'
import { createJobStore } from '../store/jobs.ts'
import { startNotifications, type Notifications } from '../store/notifications.ts'
import { createRefStore } from '../store/refs.ts'
import { createRepositoryStore } from '../store/repositories.ts'
import { createRunStore } from '../store/runs.ts'
import { createTokenStore, type TokenStore } from '../store/tokens.ts'
import { createDockerHosts, type DockerHosts } from './docker-hosts.ts'
import { apiUrlOf, credentialsFromSettings } from './github-credentials.ts'
import type { OpenStore } from './open-store.ts'
import { readServerFile } from './server-file.ts'
import { thisProcess, type ThisProcess } from './this-process.ts'

export interface Foundation extends OpenStore {
  readonly settings: Settings
  readonly logger: Logger
  readonly clock: Clock
  readonly self: ThisProcess
  /** Names this installation on Docker hosts (`slipway.instance`). */
  readonly instanceId: string
  readonly notifications: Notifications
  readonly cipher: Cipher
  /** From it come all keys of this installation. */
  readonly encryptionKey: Secret
  readonly installationSettings: InstallationSettings
  readonly credentials: AppCredentialStore
  readonly jobs: JobStore
  readonly runs: RunStore
  readonly repositories: RepositoryStore
  readonly refs: RefStore
  readonly approvals: ApprovalStore
  readonly tokens: TokenStore
  readonly authenticate: Authenticate
  readonly github: GitHub
  readonly reader: RepositoryReader
  readonly mirrors: Mirrors
  readonly hosts: DockerHosts
  readonly blobs: BlobStore
  readonly logs: RunLogs
  readonly metrics: Metrics
  readonly yaml: YamlParser
  /** The admin's file as it is applied now. */
  readonly serverConfig: () => ServerConfig
  readonly applyServerConfig: (config: ServerConfig) => void
  readonly policyOf: (repository: Pick<RepositoryRef, 'owner' | 'name'>) => RepositoryPolicy
  readonly detailsUrl: (runId: string) => string
  readonly cloneToken: (repository: RepositoryRef) => Promise<Secret>
  readonly newId: () => string
  readonly random: () => number
}

export async function createFoundation(settings: Settings, store: OpenStore, logger: Logger): Promise<Foundation> {
  const { db } = store
  await mkdir(settings.dataDir, { recursive: true })
  const yaml = createYamlParser()
  let serverConfig = await readServerFile(settings, yaml)
  const encryptionKey = await loadEncryptionKey(settings.encryptionKey, settings.dataDir)
  const cipher = createCipher(reveal(encryptionKey))
  await ensureKeyFits(db, cipher)

  const installationSettings = createInstallationSettings(db)
  const instanceId = String(await installationSettings.ensure('instance_id', () => randomUUID()))
  const credentials = createAppCredentialStore(installationSettings, cipher)
  const stored = await credentials.load()
  const github = connectGitHub(apiUrlOf(settings), credentialsFromSettings(settings) ?? stored, logger)
  const notifications = await startNotifications(db, logger)
  const tokens = createTokenStore(db)
  if (settings.adminToken === null) await printFirstAdminToken(tokens)
  const hosts = createDockerHosts(serverConfig.hosts)

  return {
    ...store,
    settings,
    logger,
    clock: systemClock,
    self: thisProcess(),
    instanceId,
    notifications,
    cipher,
    encryptionKey,
    installationSettings,
    credentials,
    jobs: createJobStore(db),
    runs: createRunStore(db, notifications),
    repositories: createRepositoryStore(db),
    refs: createRefStore(db),
    approvals: createApprovalStore(db),
    tokens,
    authenticate: createAuthenticate({
      findByHash: (hash) => tokens.findByHash(hash),
      adminToken: settings.adminToken,
      poolToken: settings.posCiRepoAccessToken,
      now: () => systemClock.now(),
    }),
    github,
    reader: createRepositoryReader(github),
    mirrors: gitMirrors(join(settings.dataDir, 'mirrors')),
    hosts,
    blobs:
      settings.s3Url === null
        ? createFolderBlobStore(join(settings.dataDir, 'blobs'))
        : createS3BlobStore(parseS3Url(reveal(settings.s3Url)), join(settings.dataDir, 'spool')),
    logs: createFolderRunLogs({ folder: join(settings.dataDir, 'logs'), now: () => systemClock.now(), logger }),
    metrics: createMetrics(),
    yaml,
    serverConfig: () => serverConfig,
    applyServerConfig(config) {
      serverConfig = config
      hosts.replace(config.hosts)
    },
    policyOf: ({ owner, name }) => resolveRepositoryPolicy(serverConfig, `${owner}/${name}`),
    detailsUrl: (runId) => `${settings.baseUrl}/runs/${runId}`,
    cloneToken: async (repository) => (await github.cloneToken(repository.installationId, repository.id)).token,
    newId: () => randomUUID(),
    random: () => Math.random(),
  }
}

/** The one place where a token is printed: there is no other way to the first admin. */
async function printFirstAdminToken(tokens: TokenStore): Promise<void> {
  const token = await tokens.ensureAdminToken()
  if (token !== null) process.stdout.write(`Admin token (shown once, keep it): ${reveal(token)}\n`)
}
