/** Routers of the native API: one shape of errors, JSON only, every route in the OpenAPI description. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { SlipwayError } from '../core/errors.ts'
import type { Identity } from './authenticate.ts'
import { isBodyTooLarge } from './limit-body.ts'

/** Far above every honest request of the API. */
const MAX_BODY_BYTES = 2 * 1024 * 1024

export interface ApiEnv {
  readonly Variables: { identity: Identity }
}

export function createApiRouter(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return
      const [issue] = result.error.issues
      const unknown = issue?.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : ''
      const field = [...(issue?.path ?? []), ...(unknown === '' ? [] : [unknown])].join('.')
      const message = unknown === '' ? (issue?.message ?? 'is wrong') : 'is not a known key'
      throw new SlipwayError(
        'request_invalid',
        `${field === '' ? 'the body' : field}: ${message}`,
        field === '' ? {} : { field },
      )
    },
  })
}

export const limitBody: MiddlewareHandler = async (context, next) => {
  if (!(await isBodyTooLarge(context, MAX_BODY_BYTES))) return next()
  throw new SlipwayError('body_too_large', `the body is larger than ${MAX_BODY_BYTES} bytes`)
}

/** A body must be JSON and say so; no body at all is left to the route. */
export const requireJson: MiddlewareHandler = async (context, next) => {
  const { method } = context.req
  const isEmpty = context.req.header('content-length') === '0' || context.req.raw.body === null
  if (method === 'GET' || method === 'HEAD' || isEmpty) return next()
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(context.req.header('content-type') ?? '')) {
    if ((await context.req.text()) === '') return next()
    throw new SlipwayError('media_type_unsupported', 'content-type: must be application/json', {
      field: 'content-type',
    })
  }
  try {
    await context.req.json()
  } catch (error) {
    throw new SlipwayError('body_not_json', 'the body is not JSON', { cause: error })
  }
  return next()
}
