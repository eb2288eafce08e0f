import { afterAll, describe, expect, test } from 'vitest'
import { formatProblem } from '../../../src/config/config-problem.ts'
import { defaultServerConfig, parseServerConfig } from '../../../src/config/parse-server-config.ts'
import { resolveRepositoryPolicy } from '../../../src/config/repository-policy.ts'
import type { ServerConfig } from '../../../src/config/server-config.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'
import { reveal } from '../../../src/core/secret.ts'

const yaml = createYamlParser()
afterAll(() => yaml.close())

const dockerHost = { kind: 'unix', path: '/var/run/docker.sock' } as const
const parse = (text: string, environment: Record<string, string> = {}) =>
  parseServerConfig(yaml, { text, file: '/etc/slipway/server.yml', environment, dockerHost })

async function read(text: string, environment: Record<string, string> = {}): Promise<ServerConfig> {
  const result = await parse(text, environment)
  if (result.kind === 'invalid') throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.config
}

async function firstProblem(text: string, environment: Record<string, string> = {}): Promise<string> {
  const [problem] = (await parse(text, environment)).problems
  return problem === undefined ? 'no problem' : formatProblem(problem).replace('/etc/slipway/server.yml:', '')
}

describe('variables of the environment', () => {
  test('are filled in and kept secret', async () => {
    const { registries } = await read('registries: {r.example.com: {username: bot, password: "a-${P}"}}', {
      P: 'x: [y]',
    })
    expect(registries.map(({ password }) => reveal(password))).toEqual(['a-x: [y]'])
    expect(JSON.stringify(registries)).not.toContain('x: [y]')
  })

  test.each([{}, { TOKEN: '' }])('missing or empty ones are told with line and name', async (environment) => {
    expect(await firstProblem('tokens:\n  - {name: ci, scope: pool, token: "${TOKEN}"}', environment)).toBe(
      '2:36: tokens[0].token: the environment variable TOKEN is not set (set TOKEN, or write $${TOKEN} to keep it as text)',
    )
  })

  test('all missing ones are told at once', async () => {
    expect((await parse('admins: ["${A}", "${B}"]')).problems.length).toBeGreaterThanOrEqual(2)
  })
})

describe('hosts', () => {
  test('without any there is one at DOCKER_HOST that builds and deploys', async () => {
    expect(await read('')).toEqual(defaultServerConfig(dockerHost))
    expect(defaultServerConfig(dockerHost).hosts).toMatchObject([
      { name: 'default', endpoint: dockerHost, builds: true, deploys: true, maxConcurrent: 2 },
    ])
  })

  test('files are looked for beside server.yml', async () => {
    const { hosts } = await read(
      'hosts: {a: {endpoint: "tcp://h:2376", tls: {ca: ca.pem, cert: c/cert.pem, key: /k.pem}}}',
    )
    expect(hosts[0]?.endpoint).toEqual({
      kind: 'tcp',
      host: 'h',
      port: 2376,
      tls: { ca: '/etc/slipway/ca.pem', cert: '/etc/slipway/c/cert.pem', key: '/k.pem' },
    })
  })

  test('ssh with a pinned key', async () => {
    const { hosts } = await read(
      'hosts: {a: {endpoint: "ssh://me@h", host_key: "ssh-ed25519 AAAA comment", identity: id}}',
    )
    expect(hosts[0]?.endpoint).toEqual({
      kind: 'ssh',
      user: 'me',
      host: 'h',
      port: 22,
      hostKey: 'ssh-ed25519 AAAA',
      identity: '/etc/slipway/id',
    })
  })

  test.each([
    ['tcp://h:2376', '1:24: hosts.a.endpoint: tcp:// needs tls: {ca, cert, key} (add tls to this host)'],
    [
      'ssh://me@h',
      '1:24: hosts.a.endpoint: ssh:// needs host_key, the public key of the host (add host_key to this host)',
    ],
    [
      'http://h',
      '1:24: hosts.a.endpoint: expected unix:///path, tcp://host:port or ssh://user@host:port (for example unix:///var/run/docker.sock)',
    ],
    [
      'unix://run/docker.sock',
      '1:24: hosts.a.endpoint: expected unix:///path, with three slashes (for example unix:///var/run/docker.sock)',
    ],
  ])('%s alone is refused', async (endpoint, problem) => {
    expect(await firstProblem(`hosts: {a: {endpoint:  "${endpoint}"}}`)).toBe(problem)
  })
})

test.each([
  ['hosts: {a: {endpoint: unix:///x, build: true}}', '1:34: hosts.a.build: unknown key (did you mean `builds`?)'],
  [
    'repositories: {"acme/*": {hosts: [prod]}}',
    '1:35: repositories["acme/*"].hosts[0]: there is no host prod (allowed: default)',
  ],
  ['repositories: {"acme/*": {pools: [default]}}', '1:35: repositories["acme/*"].pools[0]: there is no pool default'],
  ['repositories: {acme: {}}', '1:16: repositories.acme: expected owner/name or owner/*'],
  [
    'repositories: {"a/b": {freeze: [{cron: "0 18 * *", duration: 60h}]}}',
    '1:40: repositories["a/b"].freeze[0].cron: a cron expression has five fields: minute hour day month weekday (for example "0 3 * * *")',
  ],
  ['pools: {p: {timeout: 5h}}', '1:22: pools.p.timeout: longer than max_timeout (raise max_timeout)'],
  [
    'pools: {p: {instances: [{domain: a.b, token: x}, {domain: a.b, token: y}]}}',
    '1:59: pools.p.instances[1].domain: a.b stands twice (an instance belongs to one pool, once)',
  ],
  [
    'tokens: [{name: a, scope: pol, token: x}]',
    '1:27: tokens[0].scope: expected one of pool, runner, packages, read, admin (did you mean `pool`?)',
  ],
  [
    'tokens: [{name: a, scope: pool, token: x}, {name: b, scope: read, token: x}]',
    '1:74: tokens[1].token: another entry has the same token (give each its own)',
  ],
  [
    'hosts: {a: {endpoint: unix:///x, proxy: {https: 8443}}}',
    '1:49: hosts.a.proxy.https: https needs certificates (add certificates: FOLDER)',
  ],
])('%s is refused', async (text, problem) => {
  expect(await firstProblem(text)).toBe(problem)
})

describe('what a repository may do', () => {
  const TWO_HOSTS = 'hosts: {build: {endpoint: unix:///b, deploys: false}, prod: {endpoint: unix:///p, builds: false}}'

  test('without an entry: build on the first host that builds, nothing else', async () => {
    const config = await read('hosts: {prod: {endpoint: unix:///p, builds: false}, build: {endpoint: unix:///b}}')
    expect(resolveRepositoryPolicy(config, 'acme/web')).toEqual({
      pattern: null,
      buildHosts: ['build'],
      deployHosts: [],
      deployBranches: [],
      pools: [],
      forkPullRequests: 'approve',
      maxConcurrent: 2,
      limits: { memoryBytes: 4 * 1024 ** 3, cpus: 2, pids: 1024, timeoutMs: 7_200_000, logBytes: 50 * 1024 ** 2 },
      freeze: [],
      requireApproval: [],
      secrets: {},
    })
  })

  test('the first entry that matches counts, whatever the case', async () => {
    const config = await read('repositories: {"Acme/Web": {max_concurrent: 7}, "acme/*": {max_concurrent: 3}}')
    const concurrency = (name: string): number => resolveRepositoryPolicy(config, name).maxConcurrent
    expect(['acme/web', 'ACME/other', 'acmeplus/web', 'acme/webs'].map(concurrency)).toEqual([7, 3, 2, 3])
  })

  test('building and deploying hosts are told apart', async () => {
    const config = await read(
      `${TWO_HOSTS}\nrepositories: {"a/*": {hosts: [prod]}, "b/*": {hosts: [prod, build]}, "c/*": {}}`,
    )
    const hosts = (name: string): unknown => {
      const { buildHosts, deployHosts } = resolveRepositoryPolicy(config, name)
      return { buildHosts, deployHosts }
    }
    expect(hosts('a/x')).toEqual({ buildHosts: ['build'], deployHosts: ['prod'] })
    expect(hosts('b/x')).toEqual({ buildHosts: ['build'], deployHosts: ['prod'] })
    expect(hosts('c/x')).toEqual({ buildHosts: ['build'], deployHosts: [] })
  })

  test('with one host an entry need not name it', async () => {
    expect(resolveRepositoryPolicy(await read('repositories: {"a/*": {}}'), 'a/b')).toMatchObject({
      buildHosts: ['default'],
      deployHosts: ['default'],
      deployBranches: ['live', 'live-*'],
    })
  })
})
