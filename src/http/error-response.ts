/** Every error of the API in one shape: `{error: {code, message, field?, remedy?}}`, with the status of the one table. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

export function errorResponse(context: Context, error: unknown, logger: Logger): Response {
  if (error instanceof SlipwayError) {
    if (error.fault === 'slipway')
      logger.error({ code: error.code, err: error.message, path: context.req.path }, 'a request failed')
    const { code, message, field, remedy } = error
    return context.json(
      {
        error: {
          code,
          message,
          ...(field === undefined ? {} : { field }),
          ...(remedy === undefined ? {} : { remedy }),
        },
      },
      error.status as ContentfulStatusCode,
      error.code === 'not_authenticated' ? { 'www-authenticate': 'Bearer' } : {},
    )
  }
  if (error instanceof HTTPException) return error.getResponse()
  logger.error(
    { err: error instanceof Error ? (error.stack ?? error.message) : String(error), path: context.req.path },
    'a request failed',
  )
  return context.json({ error: { code: 'internal', message: 'Slipway failed; the log of the server says more' } }, 500)
}

export function notFound(context: Context): Response {
  return context.json(
    { error: { code: 'not_found', message: `nothing at ${context.req.method} ${context.req.path}` } },
    404,
  )
}
