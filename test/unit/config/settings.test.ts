import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readSettings } from '../../../src/config/settings.ts'
import { SETTINGS_TABLE } from '../../../src/config/settings-table.ts'
import { reveal } from '../../../src/core/secret.ts'

const folder = mkdtempSync(join(tmpdir(), 'settings-'))
afterAll(() => rmSync(folder, { recursive: true }))

const read = (environment: Record<string, string> = {}) => readSettings(environment, folder)

const PEM = '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----'

describe('an empty environment', () => {
  test('gives the documented defaults', () => {
    expect(read()).toMatchObject({
      appId: null,
      webhookPath: '/api/github/webhooks',
      port: 3000,
      logLevel: 'info',
      baseUrl: 'http://localhost:3000',
      databaseUrl: null,
      dataDir: join(folder, 'data'),
      serverConfig: null,
      dockerHost: { kind: 'unix', path: '/var/run/docker.sock' },
      confirm: 'none',
      reconcileIntervalMs: 180_000,
      runnerRoot: join(folder, 'data', 'checkouts'),
      poolListTokens: true,
      publicRuns: false,
      slipwayUrl: 'http://localhost:3000',
    })
  })

  test('cannot be changed afterwards', () => {
    expect(Object.isFrozen(read())).toBe(true)
  })

  test('every default is a value that would be accepted', () => {
    const refused = Object.entries(SETTINGS_TABLE).filter(
      ([, setting]) => setting.default !== null && !setting.accepts(setting.default),
    )
    expect(refused).toEqual([])
  })
})

test('what is set is read, and an empty variable counts as unset', () => {
  const settings = read({
    APP_ID: '42',
    PORT: '8080',
    BASE_URL: 'https://slipway.example.com/',
    LOG_LEVEL: '',
    DATA_DIR: '/var/lib/slipway',
    DATABASE_URL: 'postgresql:///slipway?host=/run/postgresql',
    RECONCILE_INTERVAL: '90s',
    POOL_LIST_TOKENS: 'false',
    CONFIRM: 'harmless',
    DOCKER_HOST: 'tcp://127.0.0.1:2375',
  })
  expect(settings).toMatchObject({
    appId: 42,
    port: 8080,
    baseUrl: 'https://slipway.example.com',
    logLevel: 'info',
    runnerRoot: '/var/lib/slipway/checkouts',
    reconcileIntervalMs: 90_000,
    poolListTokens: false,
    confirm: 'harmless',
    dockerHost: { kind: 'tcp', host: '127.0.0.1', port: 2375, tls: null },
  })
})

test.each([
  ['PEM', PEM],
  ['one line', PEM.replaceAll('\n', '\\n')],
  ['base64', Buffer.from(PEM).toString('base64')],
])('a private key as %s', (_, written) => {
  const { privateKey } = read({ PRIVATE_KEY: written })
  expect(privateKey && reveal(privateKey)).toBe(PEM)
})

test('server.yml is found beside the process', () => {
  writeFileSync(join(folder, 'server.yml'), '')
  expect(read().serverConfig).toBe(join(folder, 'server.yml'))
  rmSync(join(folder, 'server.yml'))
  expect(read({ SERVER_CONFIG: 'other.yml' }).serverConfig).toBe(join(folder, 'other.yml'))
})

test("the command line's token falls back to the admin's", () => {
  const token = (environment: Record<string, string>): string | null => {
    const { slipwayToken } = read(environment)
    return slipwayToken && reveal(slipwayToken)
  }
  expect(token({ ADMIN_TOKEN: 'a' })).toBe('a')
  expect(token({ ADMIN_TOKEN: 'a', SLIPWAY_TOKEN: 's' })).toBe('s')
})

test.each([
  ['APP_ID', 'abc', 'APP_ID must be a positive number'],
  ['PORT', '70000', 'PORT must be a port from 0 to 65535'],
  ['LOG_LEVEL', 'loud', 'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent'],
  ['CONFIRM', 'yes', 'CONFIRM must be one of harmless, deploys, none'],
  ['POOL_LIST_TOKENS', 'yes', 'POOL_LIST_TOKENS must be one of true, false'],
  ['BASE_URL', 'slipway.example.com', 'BASE_URL must be an address that begins with http:// or https://'],
  [
    'DATABASE_URL',
    'mysql://localhost/x',
    'DATABASE_URL must be an address that begins with postgres:// or postgresql://',
  ],
  ['RECONCILE_INTERVAL', 'often', 'RECONCILE_INTERVAL must be a duration from 1s to 1d, such as 90s or 3m'],
  ['RECONCILE_INTERVAL', '0', 'RECONCILE_INTERVAL must be a duration from 1s to 1d, such as 90s or 3m'],
  ['ENCRYPTION_KEY', 'c2hvcnQ=', 'ENCRYPTION_KEY must be 32 bytes as base64'],
  ['PRIVATE_KEY', 'secret-text', 'PRIVATE_KEY must be a PEM private key'],
  [
    'DOCKER_HOST',
    'ssh://me@host',
    'DOCKER_HOST must be a path, unix:///path or tcp://host:port (ssh:// hosts go into server.yml, with their keys)',
  ],
  ['SMTP_URL', 'mail.example.com', 'SMTP_URL must be an address that begins with smtp:// or smtps://'],
  ['GHE_HOST', 'https://github.example.com', 'GHE_HOST must be a host name, without a scheme or path'],
])('%s=%s stops the start with one line that does not tell the value', (name, value, message) => {
  expect(() => read({ [name]: value })).toThrow(
    expect.objectContaining({ name: 'SlipwayError', code: 'setting_invalid', field: name, message }),
  )
})

test('a variable that is not listed is not looked at', () => {
  expect(read({ SLIPWAY_UNKNOWN: 'x', PORTS: 'y' })).toEqual(read())
})
