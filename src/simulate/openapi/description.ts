/**
 * The reduced description of GitHub's REST API: what is served, and the schemas of bodies, answers and webhooks.
 * It is read from the file beside this folder, which `scripts/reduce-openapi.ts` writes.
 */
import { readFileSync } from 'node:fs'
import type { JsonObject } from '../json.ts'
import type { SentWebhook, ServedOperation } from './served-operations.ts'

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly schema: JsonObject
}

export interface Operation {
  readonly id: ServedOperation
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly body?: JsonObject
  readonly bodyRequired: boolean
  /** By status; `null` where the answer has no JSON body. */
  readonly answers: Readonly<Record<string, JsonObject | null>>
}

export interface Description {
  readonly operations: readonly Operation[]
  readonly webhooks: Readonly<Record<SentWebhook, JsonObject>>
  readonly definitions: Readonly<Record<string, JsonObject>>
}

export function readDescription(): Description {
  const description: Description = JSON.parse(readFileSync(new URL('../openapi.reduced.json', import.meta.url), 'utf8'))
  return description
}

/** The schema a `$ref` names, or the schema itself. */
export function resolveSchema(description: Description, schema: JsonObject): JsonObject {
  const reference = schema['$ref']
  if (typeof reference !== 'string') return schema
  const found = description.definitions[reference.replace('#/definitions/', '')]
  if (found === undefined) throw new Error(`the reduced description lacks ${reference}`)
  return resolveSchema(description, found)
}
