import type { Secret } from '../core/secret.ts'
import type { HostEndpoint } from './server-config.ts'

/** Everything the environment decides, parsed once at start. Null means: not set. */
export interface Settings {
  readonly appId: number | null
  readonly privateKey: Secret | null
  readonly privateKeyPath: string | null
  readonly webhookSecret: Secret | null
  readonly webhookSecretPrevious: Secret | null
  readonly webhookPath: string
  readonly webhookProxyUrl: string | null
  readonly gheHost: string | null
  readonly gheProtocol: 'http' | 'https'
  readonly port: number
  readonly host: string | null
  readonly logLevel: LogLevel
  readonly githubClientId: string | null
  readonly githubClientSecret: Secret | null
  /** Without a trailing slash. */
  readonly baseUrl: string
  readonly databaseUrl: Secret | null
  /** Absolute. */
  readonly dataDir: string
  /** Absolute; null when the variable is unset and `./server.yml` is not there. */
  readonly serverConfig: string | null
  readonly adminToken: Secret | null
  readonly posCiRepoAccessToken: Secret | null
  /** 32 bytes as base64. */
  readonly encryptionKey: Secret | null
  readonly dockerHost: HostEndpoint
  readonly confirm: ConfirmLevel
  readonly packagesCallbackSecret: Secret | null
  readonly reconcileIntervalMs: number
  /** Absolute. */
  readonly runnerRoot: string
  readonly poolListTokens: boolean
  readonly publicRuns: boolean
  readonly smtpUrl: Secret | null
  readonly mailFrom: string | null
  readonly slackWebhookUrl: Secret | null
  readonly s3Url: Secret | null
}

export type ConfirmLevel = 'harmless' | 'deploys' | 'none'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
