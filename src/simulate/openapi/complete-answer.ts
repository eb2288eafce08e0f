/**
 * Gives an answer or a webhook every property its published schema demands.
 *
 * Our presenters say what is true (ids, names, states, addresses); the hundred other required properties of a
 * GitHub object are filled in here from the schema, so that strict clients can read them. Links follow GitHub's
 * own habit: `issues_url` of an object is its `url` plus `/issues`.
 */
import type { Json, JsonObject } from '../json.ts'
import { isList, isObject, list, text } from '../json.ts'
import type { Description } from './description.ts'
import { resolveSchema } from './description.ts'

export function completeAnswer(description: Description, raw: JsonObject, value: Json): Json {
  const schema = chooseSchema(description, raw, value)
  if (isList(value)) {
    const items = schema['items']
    return isObject(items) ? value.map((item) => completeAnswer(description, items, item)) : value
  }
  return isObject(value) ? completeObject(description, schema, value) : value
}

function completeObject(description: Description, schema: JsonObject, value: JsonObject): JsonObject {
  const parts = [schema, ...alternatives(description, schema, 'allOf')]
  const properties = Object.assign({}, ...parts.map((part) => part['properties']))
  const required = parts.flatMap((part) => list(part, 'required') ?? [])
  const completed: Record<string, Json> = {}
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) continue
    const known = properties[name]
    completed[name] = isObject(known) ? completeAnswer(description, known, inner) : inner
  }
  for (const name of required) {
    if (typeof name !== 'string' || name in completed) continue
    const known = properties[name]
    completed[name] = isObject(known) ? absent(description, known, name, value) : null
  }
  return completed
}

/** Of several declared shapes, the one that shares most property names with the value. */
function chooseSchema(description: Description, raw: JsonObject, value: Json): JsonObject {
  const schema = resolveSchema(description, raw)
  const choices = [...alternatives(description, schema, 'anyOf'), ...alternatives(description, schema, 'oneOf')]
  if (choices.length === 0 || schema['properties'] !== undefined) return schema
  const names = isObject(value) ? Object.keys(value) : []
  const fitting = choices.filter((choice) => fits(choice, value))
  const ranked = fitting
    .map((choice) => {
      const properties = choice['properties']
      return { choice, shared: isObject(properties) ? names.filter((name) => name in properties).length : 0 }
    })
    .sort((a, b) => b.shared - a.shared)
  const best = ranked[0]?.choice ?? schema
  return best === schema ? schema : chooseSchema(description, best, value)
}

function alternatives(description: Description, schema: JsonObject, keyword: string): JsonObject[] {
  return (list(schema, keyword) ?? []).filter(isObject).map((choice) => resolveSchema(description, choice))
}

function fits(schema: JsonObject, value: Json): boolean {
  const type = schema['type']
  if (type === undefined) return true
  const actual = value === null ? 'null' : isList(value) ? 'array' : typeof value
  return isList(type) ? type.includes(actual) : type === actual
}

function absent(description: Description, raw: JsonObject, name: string, owner: JsonObject): Json {
  const schema = resolveSchema(description, raw)
  const type = schema['type']
  const choices = [...alternatives(description, schema, 'anyOf'), ...alternatives(description, schema, 'oneOf')]
  if (choices.some((choice) => choice['type'] === 'null') || (isList(type) && type.includes('null'))) return null
  const values = schema['enum']
  if (isList(values)) return values[0] ?? null
  const kind = isList(type) ? type[0] : type
  if (kind === 'string') return absentText(schema, name, owner)
  if (kind === 'boolean') return false
  if (kind === 'integer' || kind === 'number') return 0
  if (kind === 'array') return []
  if (kind === 'object' || schema['properties'] !== undefined) return completeObject(description, schema, {})
  const first = choices[0]
  return first === undefined ? null : absent(description, first, name, owner)
}

function absentText(schema: JsonObject, name: string, owner: JsonObject): string {
  const url = text(owner, 'url') ?? ''
  if (name === 'node_id') return Buffer.from(`node:${String(owner['id'] ?? url)}`).toString('base64url')
  if (name === 'url' || name === 'href') return url
  if (name.endsWith('_url')) return `${url}/${name.slice(0, -'_url'.length)}`
  if (schema['format'] === 'date-time')
    return text(owner, 'created_at') ?? text(owner, 'updated_at') ?? new Date(0).toISOString()
  if (schema['format'] === 'email') return 'nobody@localhost.invalid'
  return ''
}
