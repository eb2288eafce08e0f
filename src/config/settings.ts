import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseDuration } from '../core/duration.ts'
import { SlipwayError } from '../core/errors.ts'
import { secretOf, type Secret } from '../core/secret.ts'
import { parseEndpoint } from './parse-endpoint.ts'
import type { HostEndpoint } from './server-config.ts'
import {
  CONFIRM_LEVELS,
  LOG_LEVELS,
  privateKeyText,
  PROTOCOLS,
  SETTINGS_TABLE,
  type Setting,
  type SettingName,
} from './settings-table.ts'

/** Everything the environment decides, parsed once at start. Null means: not set. */
export interface Settings {
  readonly appId: number | null
  /** PEM with real line breaks. */
  readonly privateKey: Secret | null
  /** Absolute. */
  readonly privateKeyPath: string | null
  readonly webhookSecret: Secret | null
  readonly webhookSecretPrevious: Secret | null
  readonly webhookPath: string
  readonly webhookProxyUrl: string | null
  readonly gheHost: string | null
  readonly gheProtocol: (typeof PROTOCOLS)[number]
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
  /** The server the command line talks to, without a trailing slash. */
  readonly slipwayUrl: string
  readonly slipwayToken: Secret | null
}

export type ConfirmLevel = (typeof CONFIRM_LEVELS)[number]
export type LogLevel = (typeof LOG_LEVELS)[number]

export type SettingsEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The environment as settings. Only the variables of `SETTINGS_TABLE` are looked at; an empty one counts as unset.
 * Throws `setting_invalid`, one line that names the first wrong variable and what is allowed, never its value.
 */
export function readSettings(environment: SettingsEnvironment, workingDirectory: string): Settings {
  const values = readValues(environment)
  const secret = (name: SettingName): Secret | null => (values[name] === null ? null : secretOf(values[name]))
  const path = (name: SettingName): string | null =>
    values[name] === null ? null : resolve(workingDirectory, values[name])
  const port = Number(values.PORT)
  const dataDir = resolve(workingDirectory, values.DATA_DIR ?? '')
  return Object.freeze({
    appId: values.APP_ID === null ? null : Number(values.APP_ID),
    privateKey: values.PRIVATE_KEY === null ? null : secretOf(privateKeyText(values.PRIVATE_KEY)),
    privateKeyPath: path('PRIVATE_KEY_PATH'),
    webhookSecret: secret('WEBHOOK_SECRET'),
    webhookSecretPrevious: secret('WEBHOOK_SECRET_PREVIOUS'),
    webhookPath: values.WEBHOOK_PATH ?? '',
    webhookProxyUrl: values.WEBHOOK_PROXY_URL,
    gheHost: values.GHE_HOST,
    gheProtocol: oneOf(PROTOCOLS, 'GHE_PROTOCOL', values.GHE_PROTOCOL),
    port,
    host: values.HOST,
    logLevel: oneOf(LOG_LEVELS, 'LOG_LEVEL', values.LOG_LEVEL),
    githubClientId: values.GITHUB_CLIENT_ID,
    githubClientSecret: secret('GITHUB_CLIENT_SECRET'),
    baseUrl: withoutSlash(values.BASE_URL ?? `http://localhost:${port}`),
    databaseUrl: secret('DATABASE_URL'),
    dataDir,
    serverConfig: path('SERVER_CONFIG') ?? ifPresent(resolve(workingDirectory, 'server.yml')),
    adminToken: secret('ADMIN_TOKEN'),
    posCiRepoAccessToken: secret('POS_CI_REPO_ACCESS_TOKEN'),
    encryptionKey: secret('ENCRYPTION_KEY'),
    dockerHost: dockerHost(values.DOCKER_HOST),
    confirm: oneOf(CONFIRM_LEVELS, 'CONFIRM', values.CONFIRM),
    packagesCallbackSecret: secret('PACKAGES_CALLBACK_SECRET'),
    reconcileIntervalMs: parseDuration(values.RECONCILE_INTERVAL ?? '') ?? refuse('RECONCILE_INTERVAL'),
    runnerRoot: path('RUNNER_ROOT') ?? join(dataDir, 'checkouts'),
    poolListTokens: values.POOL_LIST_TOKENS === 'true',
    publicRuns: values.PUBLIC_RUNS === 'true',
    smtpUrl: secret('SMTP_URL'),
    mailFrom: values.MAIL_FROM,
    slackWebhookUrl: secret('SLACK_WEBHOOK_URL'),
    s3Url: secret('S3_URL'),
    slipwayUrl: withoutSlash(values.SLIPWAY_URL ?? ''),
    slipwayToken: secret('SLIPWAY_TOKEN') ?? secret('ADMIN_TOKEN'),
  })
}

type Values = Readonly<Record<SettingName, string | null>>

/** Checked text, with the defaults filled in. */
function readValues(environment: SettingsEnvironment): Values {
  const read = (name: SettingName): string | null => {
    const setting: Setting = SETTINGS_TABLE[name]
    const written = environment[name]?.trim()
    if (written === undefined || written === '') return setting.default
    return setting.accepts(written) ? written : refuse(name)
  }
  return mapNames(read)
}

/** One entry per listed variable; the cast is sound because the keys are those of the table. */
function mapNames(read: (name: SettingName) => string | null): Values {
  const names = Object.keys(SETTINGS_TABLE) as SettingName[]
  return Object.fromEntries(names.map((name) => [name, read(name)])) as Record<SettingName, string | null>
}

function refuse(name: SettingName): never {
  throw new SlipwayError('setting_invalid', `${name} must be ${SETTINGS_TABLE[name].allowed}`, { field: name })
}

function oneOf<T extends string>(options: readonly T[], name: SettingName, value: string | null): T {
  return options.find((option) => option === value) ?? refuse(name)
}

function dockerHost(value: string | null): HostEndpoint {
  const parsed = parseEndpoint(value ?? '', { tls: null })
  return parsed.kind === 'ok' ? parsed.endpoint : refuse('DOCKER_HOST')
}

function ifPresent(path: string): string | null {
  return existsSync(path) ? path : null
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
