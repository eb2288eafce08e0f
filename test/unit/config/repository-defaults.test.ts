import { afterAll, describe, expect, test } from 'vitest'
import { parseRepositoryConfig } from '../../../src/config/parse-repository-config.ts'
import type { RepositoryConfig } from '../../../src/config/repository-config.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'

const yaml = createYamlParser()
afterAll(() => yaml.close())

async function read(text: string): Promise<RepositoryConfig> {
  const result = await parseRepositoryConfig(yaml, text, 'slipway.yml')
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems))
  return result.config
}

describe('what a short file means', () => {
  test.each(['', '# nothing yet', '{}', 'version: 1'])('%j asks for nothing', async (text) => {
    expect(await read(text)).toEqual({
      version: 1,
      images: {},
      services: {},
      pipeline: null,
      packages: {},
      notify: { slack: true },
    })
  })

  test('an image', async () => {
    expect((await read('images: {web: {}}')).images['web']).toEqual({
      key: 'web',
      dockerfile: 'Dockerfile',
      context: '.',
      platforms: ['linux/amd64'],
      target: null,
      args: {},
      includeGit: false,
      timeoutMs: 3_000_000,
      publish: [],
    })
  })

  test('a service', async () => {
    const config = await read('images: {web: {}}\nservices: {www: {image: web, branch: live, host: production}}')
    expect(config.services['www']).toEqual({
      key: 'www',
      image: { kind: 'built', key: 'web' },
      branch: 'live',
      host: 'production',
      driver: 'swarm',
      name: 'www',
      environment: 'production',
      url: null,
      port: null,
      domains: [],
      replicas: 1,
      healthcheck: null,
      bakeMs: 10_000,
      env: {},
      secrets: [],
      hooks: { preDeploy: [], postDeploy: [] },
      preview: null,
      unikernel: null,
    })
  })

  test("a preview's domain comes before the service's first", async () => {
    const config = await read('services: {www: {image: {ref: a}, branch: live, domains: [a.example.com], preview: {}}}')
    expect(config.services['www']?.preview).toEqual({
      pullRequests: true,
      forks: false,
      ttlMs: 604_800_000,
      domain: 'pr-${number}.a.example.com',
    })
  })

  test('a stage', async () => {
    const config = await read('pipeline: {image: "node:20", stages: {test: {steps: [{commands: [npm test]}]}}}')
    expect(config.pipeline).toMatchObject({
      on: {
        push: { branches: ['**'] },
        pullRequest: { branches: ['**'] },
        tag: null,
        schedule: [],
        manual: { inputs: {} },
      },
      concurrency: { group: '${branch}', cancelSuperseded: true },
    })
    expect(config.pipeline?.stages['test']).toEqual({
      key: 'test',
      dependsOn: [],
      when: [],
      pool: null,
      services: {},
      matrix: null,
      env: {},
      timeoutMs: 900_000,
      retry: { max: 0, on: ['infra'] },
      cache: [],
      artifacts: null,
      secrets: [],
      successExit: [0],
      failure: 'fail',
      resources: { memoryBytes: 2_147_483_648, cpus: 2, pids: 512 },
      network: 'default',
      steps: [{ name: 'step 1', image: 'node:20', commands: ['npm test'], env: {}, failure: 'fail', timeoutMs: null }],
    })
  })

  test('a package', async () => {
    const config = await read('packages: {lib: {tags: "v*", image: "erlang:25", commands: [make], artifact: "*.ep"}}')
    expect(config.packages['lib']).toEqual({
      key: 'lib',
      tags: ['v*'],
      matrix: null,
      image: 'erlang:25',
      commands: ['make'],
      artifact: '*.ep',
      network: 'none',
      fetch: [],
      timeoutMs: 900_000,
      resources: { memoryBytes: 2_147_483_648, cpus: 2, pids: 512 },
      dependencies: null,
      notify: { email: true },
    })
  })
})

test('only the triggers that are named count, also when nothing is written behind them', async () => {
  const config = await read(
    'pipeline: {on: {tag: , push: {branches: main}}, image: a, stages: {t: {steps: [{commands: [a]}]}}}',
  )
  expect(config.pipeline?.on).toEqual({
    push: { branches: ['main'] },
    pullRequest: null,
    tag: { tags: ['**'] },
    schedule: [],
    manual: null,
  })
})

test('an image comes from the step, its stage or the pipeline, whichever is nearest', async () => {
  const config = await read(
    'pipeline: {image: p, stages: {a: {steps: [{commands: [x]}]}, b: {image: s, steps: [{commands: [x]}, {image: own, commands: [x]}]}}}',
  )
  const stages = Object.values(config.pipeline?.stages ?? {})
  expect(stages.map((stage) => stage.steps.map((step) => step.image))).toEqual([['p'], ['s', 'own']])
})

test('numbers and truth values are text where text is meant', async () => {
  const config = await read('images: {web: {args: {PORT: 8080, DEBUG: true, RATIO: 0.5}}}')
  expect(config.images['web']?.args).toEqual({ PORT: '8080', DEBUG: 'true', RATIO: '0.5' })
})

test('anchors and merge keys save repetition, keys beside them win', async () => {
  const config = await read(
    'images:\n  web: &web {dockerfile: Web, context: app}\n  api: {<<: *web, dockerfile: Api}\n',
  )
  expect(config.images['api']).toMatchObject({ dockerfile: 'Api', context: 'app' })
})
