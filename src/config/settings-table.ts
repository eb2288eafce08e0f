import { parseDuration } from '../core/duration.ts'
import { parseEndpoint } from './parse-endpoint.ts'

export type SettingGroup = 'GitHub' | 'Server' | 'Storage' | 'Docker' | 'Runs' | 'Notifications' | 'Command line'

export interface Setting {
  readonly group: SettingGroup
  /** As `.env.example` shows it; null: unset. */
  readonly default: string | null
  /** One sentence for `.env.example`. */
  readonly meaning: string
  /** What is allowed, as it follows "must be". */
  readonly allowed: string
  readonly accepts: (text: string) => boolean
}

const text = (group: SettingGroup, initial: string | null, meaning: string): Setting => ({
  group,
  default: initial,
  meaning,
  allowed: 'text',
  accepts: () => true,
})

const choice = (group: SettingGroup, options: readonly string[], initial: string, meaning: string): Setting => ({
  group,
  default: initial,
  meaning,
  allowed: `one of ${options.join(', ')}`,
  accepts: (value) => options.includes(value),
})

const checked = (
  group: SettingGroup,
  initial: string | null,
  meaning: string,
  allowed: string,
  accepts: Setting['accepts'],
): Setting => ({
  group,
  default: initial,
  meaning,
  allowed,
  accepts,
})

const flag = (group: SettingGroup, initial: string, meaning: string): Setting =>
  choice(group, ['true', 'false'], initial, meaning)
const http = (group: SettingGroup, initial: string | null, meaning: string): Setting =>
  checked(group, initial, meaning, 'an address that begins with http:// or https://', (value) =>
    hasProtocol(value, ['http:', 'https:']),
  )

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export const CONFIRM_LEVELS = ['harmless', 'deploys', 'none'] as const
export const PROTOCOLS = ['http', 'https'] as const
/** Milliseconds. GitHub allows an installation 5,000 requests an hour; asking more often would eat them. */
const SHORTEST_RECONCILE = 1000
const LONGEST_RECONCILE = 86_400_000

/** Every variable Slipway reads. `.env.example` is generated from it, and nothing else is looked at. */
export const SETTINGS_TABLE = {
  APP_ID: checked(
    'GitHub',
    null,
    'Id of the GitHub App; unset: the server offers a page that creates one.',
    'a positive number',
    (value) => /^[1-9]\d{0,15}$/.test(value),
  ),
  PRIVATE_KEY: checked(
    'GitHub',
    null,
    'Private key of the App as PEM, also with \\n for line breaks or as base64.',
    'a PEM private key',
    (value) => isPrivateKey(value),
  ),
  PRIVATE_KEY_PATH: text('GitHub', null, 'File with the private key, instead of PRIVATE_KEY.'),
  WEBHOOK_SECRET: text('GitHub', null, "Secret of the App's webhook."),
  WEBHOOK_SECRET_PREVIOUS: text('GitHub', null, 'Also accepted, while a secret is rotated.'),
  WEBHOOK_PATH: checked(
    'GitHub',
    '/api/github/webhooks',
    'Path that receives webhooks.',
    'a path that begins with /',
    (value) => /^\/[\w./-]*$/.test(value),
  ),
  WEBHOOK_PROXY_URL: http(
    'GitHub',
    null,
    'Channel of smee.io that forwards webhooks to a machine without a public address.',
  ),
  GHE_HOST: checked(
    'GitHub',
    null,
    'Host of a GitHub Enterprise Server.',
    'a host name, without a scheme or path',
    (value) => /^[A-Za-z0-9.-]+(?::\d{1,5})?$/.test(value),
  ),
  GHE_PROTOCOL: choice('GitHub', PROTOCOLS, 'https', 'Protocol of the GitHub Enterprise Server.'),
  GITHUB_CLIENT_ID: text('GitHub', null, 'Client id of the App, for log-in with GitHub.'),
  GITHUB_CLIENT_SECRET: text('GitHub', null, 'Client secret of the App, for log-in with GitHub.'),

  PORT: checked(
    'Server',
    '3000',
    'Port to listen on; 0: any free one.',
    'a port from 0 to 65535',
    (value) => /^\d{1,5}$/.test(value) && Number(value) <= 65_535,
  ),
  HOST: checked('Server', null, 'Address to listen on; unset: all.', 'a host name or address', (value) =>
    /^[\w.:-]+$/.test(value),
  ),
  BASE_URL: http('Server', null, 'Public address, used in every link; unset: http://localhost:PORT.'),
  LOG_LEVEL: choice('Server', LOG_LEVELS, 'info', 'Least important kind of log line that is written.'),
  SERVER_CONFIG: text('Server', null, 'File with hosts, pools and repositories; unset: ./server.yml if present.'),
  ADMIN_TOKEN: text('Server', null, "An admin's API token; unset: one is made at first start and printed once."),
  POS_CI_REPO_ACCESS_TOKEN: text(
    'Server',
    null,
    'A token of the compatible pool API besides those of scope pool; with neither, that API answers 401.',
  ),
  PACKAGES_CALLBACK_SECRET: text('Server', null, 'Secret of the compatible /callback; unset: that route answers 404.'),
  POOL_LIST_TOKENS: flag('Server', 'true', 'false: the compatible list masks pos_cli_token.'),
  PUBLIC_RUNS: flag('Server', 'false', 'true: runs of public repositories may be read without log-in.'),

  DATABASE_URL: checked(
    'Storage',
    null,
    'A PostgreSQL server, 14 or newer; unset: the embedded one.',
    'an address that begins with postgres:// or postgresql://',
    (value) =>
      // Without a host it means a socket in a folder: postgresql:///slipway?host=/run/postgresql
      /^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value),
  ),
  DATA_DIR: text('Storage', './data', 'Folder of the embedded database, artifacts, logs and keys.'),
  ENCRYPTION_KEY: checked(
    'Storage',
    null,
    '32 bytes as base64 that encrypt secrets at rest; unset: made in DATA_DIR. Processes that share a database need the same.',
    '32 bytes as base64',
    (value) => /^[A-Za-z0-9+/_-]{43}=?$/.test(value),
  ),
  S3_URL: checked(
    'Storage',
    null,
    'Artifacts, logs and caches in an S3 bucket instead of DATA_DIR: s3://KEY:SECRET@HOST/BUCKET.',
    'an address that begins with s3://, http:// or https://',
    (value) => hasProtocol(value, ['s3:', 'http:', 'https:', 's3+http:', 's3+https:']),
  ),

  DOCKER_HOST: checked(
    'Docker',
    '/var/run/docker.sock',
    'The default Docker host.',
    'a path, unix:///path or tcp://host:port (ssh:// hosts go into server.yml, with their keys)',
    (value) => parseEndpoint(value, { tls: null }).kind === 'ok',
  ),

  CONFIRM: choice(
    'Runs',
    CONFIRM_LEVELS,
    'none',
    'harmless: plan and report, change nothing outside; deploys: each deployment waits for a person; none: everything runs.',
  ),
  RECONCILE_INTERVAL: checked(
    'Runs',
    '3m',
    "How often GitHub's truth is compared with ours.",
    'a duration from 1s to 1d, such as 90s or 3m',
    (value) => {
      const milliseconds = parseDuration(value)
      return milliseconds !== null && milliseconds >= SHORTEST_RECONCILE && milliseconds <= LONGEST_RECONCILE
    },
  ),
  RUNNER_ROOT: text('Runs', null, 'Folder below which /trigger may name a gitRepoDir; unset: checkouts in DATA_DIR.'),

  SMTP_URL: checked(
    'Notifications',
    null,
    'Mail server for mail on package builds; unset: no mail.',
    'an address that begins with smtp:// or smtps://',
    (value) => hasProtocol(value, ['smtp:', 'smtps:']),
  ),
  MAIL_FROM: checked(
    'Notifications',
    null,
    'Sender of mail.',
    'a mail address, also with a name: Slipway <slipway@example.com>',
    (value) => /^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$/.test(value),
  ),
  SLACK_WEBHOOK_URL: http('Notifications', null, 'Incoming webhook of Slack for messages about deployments.'),

  SLIPWAY_URL: http('Command line', 'http://localhost:3000', 'Server the command line talks to.'),
  SLIPWAY_TOKEN: text('Command line', null, 'Token of the command line; unset: ADMIN_TOKEN.'),
} as const satisfies Readonly<Record<string, Setting>>

export type SettingName = keyof typeof SETTINGS_TABLE

function hasProtocol(value: string, protocols: readonly string[]): boolean {
  return URL.canParse(value) && protocols.includes(new URL(value).protocol) && new URL(value).host !== ''
}

/** PEM with real or written line breaks, or the same as base64: the forms in which hosting platforms store keys. */
export function privateKeyText(value: string): string {
  const unfolded = value.replaceAll('\\n', '\n')
  return unfolded.includes('-----BEGIN') ? unfolded : Buffer.from(value, 'base64').toString('utf8')
}

function isPrivateKey(value: string): boolean {
  const pem = privateKeyText(value)
  return /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(pem) && /-----END (?:RSA |EC )?PRIVATE KEY-----/.test(pem)
}
