import type { Context } from 'hono'
import { SlipwayError } from '../core/errors.ts'

/** The fields of a JSON or form-encoded body; none when there is no body. */
export async function readFields(context: Context): Promise<Readonly<Record<string, unknown>>> {
  const type = (context.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const text = await context.req.text()
  if (text.trim() === '') return {}
  if (type === 'application/x-www-form-urlencoded') return Object.fromEntries(new URLSearchParams(text))
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return Object.fromEntries(Object.entries(value))
  } catch (error) {
    throw new SlipwayError('body_not_json', 'the body is not JSON', { cause: error })
  }
  throw new SlipwayError('body_not_json', 'the body must be a JSON object')
}
