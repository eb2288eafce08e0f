/** JSON as the simulated GitHub reads and writes it, and readers that look before they trust. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
/** `undefined` is left out when written, as `JSON.stringify` does. */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** Parses JSON; `undefined` when it is none. */
export function parseJson(source: string): Json | undefined {
  try {
    const value: Json = JSON.parse(source)
    return value
  } catch {
    return undefined
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

export function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

export function text(from: JsonObject, key: string): string | undefined {
  const value = from[key]
  return typeof value === 'string' ? value : undefined
}

export function whole(from: JsonObject, key: string): number | undefined {
  const value = from[key]
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined
}

export function flag(from: JsonObject, key: string): boolean | undefined {
  const value = from[key]
  return typeof value === 'boolean' ? value : undefined
}

export function list(from: JsonObject, key: string): readonly Json[] | undefined {
  const value = from[key]
  return isList(value) ? value : undefined
}

export function texts(from: JsonObject, key: string): string[] | undefined {
  return list(from, key)?.filter((item) => typeof item === 'string')
}

export function child(from: JsonObject, key: string): JsonObject | undefined {
  const value = from[key]
  return isObject(value) ? value : undefined
}
