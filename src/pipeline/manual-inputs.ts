import type { InputConfig, Named } from '../config/repository-config.ts'

export type InputsResult =
  | { readonly kind: 'inputs'; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'invalid'; readonly problems: readonly { readonly field: string; readonly message: string }[] }

/** Characters of a value; it becomes an environment variable. */
const LONGEST_VALUE = 4096

/** What a person gave for a manual start, checked against what the file declares: nothing undeclared gets through. */
export function checkInputs(declared: Named<InputConfig>, given: Readonly<Record<string, unknown>>): InputsResult {
  const undeclared = Object.keys(given).filter((field) => !Object.hasOwn(declared, field))
  const problems = undeclared.map((field) => ({ field, message: `${field} is not an input of this pipeline` }))
  const values: Record<string, string> = {}
  for (const [field, input] of Object.entries(declared)) {
    const raw = Object.hasOwn(given, field) ? given[field] : undefined
    const value = isScalar(raw) ? String(raw) : raw === undefined ? input.default : null
    const fault = value === null && raw === undefined ? missing(input) : valueFault(input, value)
    if (fault !== null) problems.push({ field, message: fault })
    else if (value !== null) values[field] = value
  }
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'inputs', values }
}

function missing(input: InputConfig): string | null {
  return input.required ? `${input.key} is required` : null
}

function valueFault(input: InputConfig, value: string | null): string | null {
  if (value === null) return `${input.key} must be a text, a number or true/false`
  if (value.length > LONGEST_VALUE || value.includes('\0')) return `${input.key} is too long or holds a NUL`
  if (input.options !== null && !input.options.includes(value))
    return `${input.key} must be one of ${input.options.join(', ')}`
  return null
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
