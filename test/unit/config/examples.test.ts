import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { repositoryJsonSchema, serverJsonSchema } from '../../../src/config/json-schema.ts'
import { lintManifest } from '../../../src/config/lint-manifest.ts'
import { parseRepositoryConfig } from '../../../src/config/parse-repository-config.ts'
import { parseServerConfig } from '../../../src/config/parse-server-config.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'

const EXAMPLES = join(import.meta.dirname, '../../../examples')
const manifest = readFileSync(join(EXAMPLES, 'slipway.yml'), 'utf8')
const server = readFileSync(join(EXAMPLES, 'server.yml'), 'utf8')
const environment = { CI1_TOKEN: 'one', WWW_SESSION_KEY: 'two', REGISTRY_PASSWORD: 'three', CI_POOL_TOKEN: 'four' }

const yaml = createYamlParser()
afterAll(() => yaml.close())

test('the commented example of slipway.yml has no problems', async () => {
  expect((await lintManifest(yaml, manifest, 'examples/slipway.yml')).lines).toEqual([])
})

test('the commented example of server.yml has no problems', async () => {
  const input = {
    text: server,
    file: 'examples/server.yml',
    environment,
    dockerHost: { kind: 'unix', path: '/var/run/docker.sock' },
  } as const
  expect(await parseServerConfig(yaml, input)).toMatchObject({ kind: 'ok' })
})

test('both examples pass the JSON Schemas that editors use, and a mistake does not', () => {
  const ajv = new Ajv2020({ strict: false })
  const validManifest = ajv.compile(repositoryJsonSchema())
  const validServer = ajv.compile(serverJsonSchema())
  expect(validManifest(parse(manifest))).toBe(true)
  expect(validServer(parse(server))).toBe(true)
  expect(validManifest({ images: { web: { dockerfle: 'x' } } })).toBe(false)
  expect(validServer({ hosts: { a: {} } })).toBe(false)
})

/** The word "default" beside a key of the example is a promise; leaving the key out must change nothing. */
test('every key the example calls a default may be left out', async () => {
  const lines = manifest.split('\n')
  const promised = lines.flatMap((line, at) => (/^ +[a-z_]+: .*# default(?:;|$)/.test(line) ? [at] : []))
  expect(promised.length).toBeGreaterThan(20)
  const whole = await parseRepositoryConfig(yaml, manifest, 'slipway.yml')
  for (const at of promised) {
    const without = lines.filter((_, index) => index !== at).join('\n')
    const result = await parseRepositoryConfig(yaml, without, 'slipway.yml')
    expect
      .soft(result.kind === 'ok' ? result.config : result.problems, lines[at])
      .toEqual(whole.kind === 'ok' ? whole.config : null)
  }
})

test('every key of the schema is shown in the example', () => {
  const shown = new Set(
    [...manifest.matchAll(/([A-Za-z_]+):/g), ...manifest.matchAll(/[{,] ?([a-z_]+)(?=[,}:])/g)].map(([, key]) => key),
  )
  expect(keysOf(repositoryJsonSchema()).filter((key) => !shown.has(key))).toEqual([])
})

function keysOf(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(keysOf)
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'properties' && typeof value === 'object' && value !== null
      ? [...Object.keys(value), ...Object.values(value).flatMap(keysOf)]
      : keysOf(value),
  )
}
