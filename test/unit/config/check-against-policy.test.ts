import { afterAll, expect, test } from 'vitest'
import { capResources, checkAgainstPolicy, type Grants } from '../../../src/config/check-against-policy.ts'
import { formatProblem } from '../../../src/config/config-problem.ts'
import { parseRepositoryConfig } from '../../../src/config/parse-repository-config.ts'
import { defaultLimits } from '../../../src/config/repository-policy.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'

const yaml = createYamlParser()
afterAll(() => yaml.close())

const grants: Grants = {
  deployHosts: ['production'],
  pools: ['default'],
  secretNames: ['SESSION_KEY'],
  limits: defaultLimits(),
}

async function check(text: string, given: Grants = grants): Promise<readonly string[]> {
  const result = await parseRepositoryConfig(yaml, text, 'slipway.yml')
  if (result.kind === 'invalid') throw new Error(result.problems.map(formatProblem).join('\n'))
  return checkAgainstPolicy(result.config, result.source, given).map(formatProblem)
}

const stage = (keys: string): string => `pipeline:\n  image: a\n  stages:\n    t: {steps: [{commands: [a]}], ${keys}}`

test('hosts, pools and secrets that were not given are problems with a remedy', async () => {
  const ask = 'an admin can give it under repositories in server.yml'
  expect(await check('services:\n  www: {image: {ref: a}, branch: live, host: producton, secrets: [SESSION]}')).toEqual(
    [
      'slipway.yml:2:46: services.www.host: this repository may not deploy to a host producton (did you mean `production`?)',
      'slipway.yml:2:67: services.www.secrets[0]: this repository has no secret SESSION (allowed: SESSION_KEY)',
    ],
  )
  expect(await check(stage('pool: {name: big}'), { ...grants, pools: [] })).toEqual([
    `slipway.yml:4:48: pipeline.stages.t.pool.name: this repository may not use a pool big (${ask} (pools))`,
  ])
})

test('a host that is only there by default is told at its service', async () => {
  expect((await check('services:\n  www: {image: {ref: a}, branch: live}'))[0]).toMatch(
    /^slipway\.yml:2:3: services\.www\.host: .* default/,
  )
})

test('limits above the admin’s are problems, defaults above them are lowered', async () => {
  expect(await check(stage('timeout: 3h, resources: {memory: 8g, cpus: 4, pids: 512}'))).toEqual([
    'slipway.yml:4:44: pipeline.stages.t.timeout: more than the admin allows, which is 2h (lower it, or ask an admin)',
    'slipway.yml:4:68: pipeline.stages.t.resources.memory: more than the admin allows, which is 4 GiB (lower it, or ask an admin)',
    'slipway.yml:4:78: pipeline.stages.t.resources.cpus: more than the admin allows, which is 2 (lower it, or ask an admin)',
  ])
  const small = { ...defaultLimits(), memoryBytes: 1024 ** 3, timeoutMs: 60_000 }
  expect(await check(stage('secrets: []'), { ...grants, limits: small })).toEqual([])
  expect(capResources({ memoryBytes: 2 * 1024 ** 3, cpus: 1, pids: 512 }, small)).toEqual({
    memoryBytes: 1024 ** 3,
    cpus: 1,
    pids: 512,
  })
})
