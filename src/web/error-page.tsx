/** What went wrong, on a page, with the status of the one table of errors. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { Page } from './layout.tsx'
import { visitorOf, type WebEnv } from './session.ts'

const TITLES: Readonly<Record<number, string>> = {
  401: 'Please log in',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Not possible now',
  422: 'Something in the form is wrong',
  429: 'Too many attempts',
  503: 'Not available now',
}

export async function errorPage(context: Context<WebEnv>, error: unknown, logger: Logger): Promise<Response> {
  const known = error instanceof SlipwayError ? error : null
  const status = (known?.status ?? 500) as ContentfulStatusCode
  if (known === null || known.fault === 'slipway') {
    const detail = error instanceof Error && known === null ? (error.stack ?? error.message) : errorMessage(error)
    logger.error({ path: context.req.path, err: detail }, 'a page failed')
  }
  const message = known?.message ?? 'Slipway failed; the log of the server says more'
  if (
    /event-stream|json/.test(context.req.header('accept') ?? '') ||
    (context.req.header('authorization') !== undefined && status === 401)
  ) {
    return context.json({ error: { code: known?.code ?? 'internal', message } }, status)
  }
  const title = TITLES[status] ?? 'Slipway failed'
  return await context.html(
    <Page title={title} session={visitorOf(context)}>
      <div class="empty">
        <h1>{title}</h1>
        <p>{message}</p>
        {known?.remedy === undefined ? null : <p>{known.remedy}</p>}
        <p>
          <a href="/">Overview</a>
        </p>
      </div>
    </Page>,
    status,
  )
}
