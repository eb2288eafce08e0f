/**
 * Reduces GitHub's published OpenAPI description to what the simulated GitHub serves and sends.
 *
 * The published file weighs 13 MB and is a development dependency; what ships is
 * `src/simulate/openapi.reduced.json`: the operations of `src/simulate/openapi/served-operations.ts`, the
 * webhooks it sends, and the schemas these refer to, turned from OpenAPI 3.0 (`nullable`) into JSON Schema.
 *
 *   tsx scripts/reduce-openapi.ts            writes the file
 *   tsx scripts/reduce-openapi.ts --check    exits 1 when the file is not what would be written
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { sentWebhooks, servedOperations } from '../src/simulate/openapi/served-operations.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }

/** Words for readers, which no machine checks. */
const prose = new Set([
  'description',
  'example',
  'examples',
  'title',
  'externalDocs',
  'deprecated',
  'x-github-breaking-changes',
])
/** Here keys are names somebody chose, not keywords of the schema language. */
const maps = new Set(['properties', 'patternProperties', 'definitions'])

const target = new URL('../src/simulate/openapi.reduced.json', import.meta.url)
const published = object(
  JSON.parse(
    readFileSync(createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json'), 'utf8'),
  ),
)
const reduced = `${JSON.stringify(reduce(published))}\n`

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== reduced) {
    console.error('openapi.reduced.json is stale: run tsx scripts/reduce-openapi.ts')
    process.exitCode = 1
  }
} else {
  writeFileSync(target, reduced)
  console.log(`${target.pathname.split('/').at(-1)}: ${Math.round(reduced.length / 1024)} KiB`)
}

function reduce(description: JsonObject): Json {
  const operations = pickOperations(description)
  const webhooks = pickWebhooks(description)
  const definitions = collectDefinitions(description, [operations, webhooks])
  return { source: object(description['info'])['version'] ?? '', operations, webhooks, definitions }
}

/** Every served operation as `{id, method, path, parameters, body?, bodyRequired, answers: {status: schema}}`. */
function pickOperations(description: JsonObject): Json[] {
  const wanted = new Set<string>(servedOperations)
  const picked: Json[] = []
  for (const [path, methods] of Object.entries(object(description['paths']))) {
    for (const [method, raw] of Object.entries(object(methods))) {
      const operation = object(raw)
      const id = String(operation['operationId'])
      if (!wanted.delete(id)) continue
      const requestBody = object(operation['requestBody'] ?? {})
      const body = jsonSchema(requestBody['content'])
      picked.push({
        id,
        method: method.toUpperCase(),
        path,
        parameters: array(operation['parameters'] ?? []).map((parameter) => pickParameter(description, parameter)),
        ...(body === undefined ? {} : { body: toJsonSchema(body) }),
        bodyRequired: requestBody['required'] === true,
        answers: pickAnswers(description, object(operation['responses'])),
      })
    }
  }
  if (wanted.size > 0) throw new Error(`not in the published description: ${[...wanted].join(', ')}`)
  return picked
}

function pickParameter(description: JsonObject, raw: Json): Json {
  const parameter = resolve(description, raw)
  return {
    name: parameter['name'] ?? '',
    in: parameter['in'] ?? '',
    required: parameter['required'] === true,
    schema: toJsonSchema(parameter['schema'] ?? {}),
  }
}

function pickAnswers(description: JsonObject, responses: JsonObject): JsonObject {
  const answers: JsonObject = {}
  for (const [status, raw] of Object.entries(responses)) {
    if (!status.startsWith('2')) continue
    const schema = jsonSchema(resolve(description, raw)['content'])
    answers[status] = schema === undefined ? null : toJsonSchema(schema)
  }
  return answers
}

/** Every sent webhook as `{"event.action": schema}`, keyed by the webhook's name in the description. */
function pickWebhooks(description: JsonObject): JsonObject {
  const webhooks: JsonObject = {}
  const all = object(description['x-webhooks'])
  for (const name of sentWebhooks) {
    const post = object(object(all[name] ?? {})['post'] ?? {})
    const schema = jsonSchema(object(post['requestBody'] ?? {})['content'])
    if (schema === undefined) throw new Error(`no such webhook in the published description: ${name}`)
    webhooks[name] = toJsonSchema(schema)
  }
  return webhooks
}

function collectDefinitions(description: JsonObject, roots: Json[]): JsonObject {
  const schemas = object(object(description['components'])['schemas'])
  const definitions: JsonObject = {}
  const queue = roots.flatMap(references)
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name in definitions) continue
    const schema = toJsonSchema(schemas[name] ?? {})
    definitions[name] = schema
    queue.push(...references(schema))
  }
  return Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => a.localeCompare(b)))
}

function references(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (value === null || typeof value !== 'object') return []
  const own = value['$ref']
  const here = typeof own === 'string' ? [own.replace('#/definitions/', '')] : []
  return [...here, ...Object.values(value).flatMap(references)]
}

function toJsonSchema(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(toJsonSchema)
  if (schema === null || typeof schema !== 'object') return schema
  const result: JsonObject = {}
  for (const [key, value] of Object.entries(schema)) {
    if (prose.has(key) || key === 'nullable') continue
    if (key === '$ref') result[key] = String(value).replace('#/components/schemas/', '#/definitions/')
    else if (maps.has(key)) {
      result[key] = Object.fromEntries(
        Object.entries(object(value)).map(([name, inner]) => [name, toJsonSchema(inner)]),
      )
    } else if (key === 'enum' || key === 'default') result[key] = value
    else result[key] = toJsonSchema(value)
  }
  return schema['nullable'] === true ? orNull(result) : result
}

function orNull(schema: JsonObject): Json {
  const type = schema['type']
  const values = schema['enum']
  const withEnum = Array.isArray(values) && !values.includes(null) ? { ...schema, enum: [...values, null] } : schema
  if (typeof type === 'string') return { ...withEnum, type: [type, 'null'] }
  if (Object.keys(schema).length === 0) return schema
  return { anyOf: [schema, { type: 'null' }] }
}

function jsonSchema(content: Json | undefined): Json | undefined {
  const types = object(content ?? {})
  return object(types['application/json'] ?? {})['schema']
}

function resolve(description: JsonObject, value: Json): JsonObject {
  const reference = object(value)['$ref']
  if (typeof reference !== 'string') return object(value)
  return reference
    .slice(2)
    .split('/')
    .reduce<JsonObject>((found, key) => object(found[key] ?? {}), description)
}

function object(value: Json | undefined): JsonObject {
  if (value === undefined || value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Error('expected an object in the published description')
  }
  return value
}

function array(value: Json): Json[] {
  if (!Array.isArray(value)) throw new Error('expected a list in the published description')
  return value
}
