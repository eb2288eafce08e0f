/** Checks values against the published schemas. Validators are compiled at first use: there are hundreds, few are met. */
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { Json, JsonObject } from '../json.ts'
import { isList, isObject } from '../json.ts'
import type { Description } from './description.ts'
import { resolveSchema } from './description.ts'

export interface SchemaChecker {
  /** One line for each broken rule. */
  readonly violations: (schema: JsonObject, value: Json) => string[]
  /** Paths of properties the schema does not know. */
  readonly unknownProperties: (schema: JsonObject, value: Json) => string[]
}

export function createSchemaChecker(description: Description): SchemaChecker {
  // Each validator is compiled by the running test or demo and met a few times: shared parts and plain code win.
  const ajv = new Ajv({ strict: false, allErrors: true, inlineRefs: false, code: { optimize: false } })
  addFormats.default(ajv)
  // Link templates such as `{/number}` are declared `uri`; what matters here is that they are text.
  ajv.addFormat('uri', true)
  ajv.addFormat('uri-template', true)
  ajv.addSchema({ $id: 'github', definitions: description.definitions })
  const compiled = new Map<JsonObject, ValidateFunction>()

  function validator(schema: JsonObject): ValidateFunction {
    const known = compiled.get(schema)
    if (known !== undefined) return known
    const made = ajv.compile(pointIntoDescription(schema))
    compiled.set(schema, made)
    return made
  }

  return {
    violations: (schema, value) => {
      const validate = validator(schema)
      if (validate(value)) return []
      return (validate.errors ?? [])
        .slice(0, 8)
        .map((error) => `${error.instancePath || '/'} ${error.message ?? error.keyword}`)
    },
    unknownProperties: (schema, value) => unknownProperties(description, schema, value, ''),
  }
}

/** `$ref`s are written relative to the description; a single schema is compiled on its own. */
function pointIntoDescription(schema: JsonObject): JsonObject {
  const source = JSON.stringify(schema).replaceAll('"$ref":"#/definitions/', '"$ref":"github#/definitions/')
  const pointed: JsonObject = JSON.parse(source)
  return pointed
}

function unknownProperties(description: Description, raw: JsonObject, value: Json, at: string): string[] {
  const schema = resolveSchema(description, raw)
  if (isList(value)) {
    const items = schema['items']
    return isObject(items)
      ? value.flatMap((item, index) => unknownProperties(description, items, item, `${at}/${index}`))
      : []
  }
  const properties = schema['properties']
  if (!isObject(value) || !isObject(properties) || schema['additionalProperties'] === true) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = properties[name]
    if (known === undefined) return [`${at}/${name}`]
    return isObject(known) && inner !== undefined ? unknownProperties(description, known, inner, `${at}/${name}`) : []
  })
}
