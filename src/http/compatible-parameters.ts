/**
 * Parameters as the compatible pool API takes them: one map out of the query and a JSON or form body, with any method.
 * Keys that are not known are ignored, because a published example misspells one.
 */
import type { Context } from 'hono'

export type Scalar = string | number | boolean | null
export type Parameters = Readonly<Record<string, Scalar>>

export type ParametersResult =
  | { readonly kind: 'ok'; readonly parameters: Parameters }
  | { readonly kind: 'wrong'; readonly status: 400 | 415 | 422; readonly field: string; readonly message: string }

export type NumberResult =
  | { readonly kind: 'ok'; readonly value: number }
  | { readonly kind: 'absent' }
  | { readonly kind: 'wrong' }

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)$/

export async function readParameters(context: Context): Promise<ParametersResult> {
  const query = context.req.query()
  const type = (context.req.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type === 'multipart/form-data') {
    const form = await context.req.parseBody().catch(() => null)
    return form === null ? unreadable('is not a form') : merge(query, form)
  }
  const text = await context.req.text()
  if (text.trim() === '') return merge(query, {})
  if (type === 'application/x-www-form-urlencoded') return merge(query, Object.fromEntries(new URLSearchParams(text)))
  if (type !== '' && !/^application\/(?:[\w.+-]+\+)?json$/.test(type)) {
    return { kind: 'wrong', status: 415, field: 'content-type', message: 'must be JSON or a form' }
  }
  const body = parseJson(text)
  return body === null ? unreadable('is not a JSON object') : merge(query, body)
}

/** Absent, null and empty text mean the default; text must be a plain decimal number. */
export function readNumber(value: Scalar | undefined): NumberResult {
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === ''))
    return { kind: 'absent' }
  if (typeof value === 'boolean') return { kind: 'wrong' }
  const number = typeof value === 'number' ? value : NUMBER.test(value.trim()) ? Number(value) : Number.NaN
  return Number.isFinite(number) ? { kind: 'ok', value: number } : { kind: 'wrong' }
}

function merge(query: Readonly<Record<string, string>>, body: object): ParametersResult {
  const parameters: Record<string, Scalar> = { ...query }
  for (const [key, value] of Object.entries(body)) {
    if (!isScalar(value)) return { kind: 'wrong', status: 422, field: key, message: 'must be a single value' }
    parameters[key] = value
  }
  return { kind: 'ok', parameters }
}

function parseJson(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    // The caller answers what is wrong.
    return null
  }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

function unreadable(message: string): ParametersResult {
  return { kind: 'wrong', status: 400, field: 'body', message }
}
