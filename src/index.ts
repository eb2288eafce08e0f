/** Slipway as a plain Probot app: `probot run ./dist/index.js`. Probot has the port; everything else is the same. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Probot } from 'probot'
import { deliveryFromProbot } from './app/receive-from-probot.ts'
import { startSlipway } from './compose/start.ts'
import { readSettings } from './config/settings.ts'

const STOP_GRACE_MS = 25_000

interface ProbotOptions {
  readonly addHandler?: (handler: (request: IncomingMessage, response: ServerResponse) => boolean) => void
}

export default async function slipwayApp(app: Probot, options: ProbotOptions = {}): Promise<void> {
  const slipway = await startSlipway(readSettings(process.env, process.cwd()), false)
  app.onAny(async ({ id, name, payload }) => {
    await slipway.receive(deliveryFromProbot({ id, name, payload }))
  })

  const listener = getRequestListener((request) => slipway.fetch(request), { overrideGlobalObjects: false })
  try {
    options.addHandler?.((request, response) => {
      void listener(request, response)
      return true
    })
  } catch (error) {
    // `probot receive` handles one event and has no server to add pages to.
    slipway.logger.debug({ err: error instanceof Error ? error.message : String(error) }, 'no server, so no pages')
  }
  process.once('SIGTERM', () => {
    slipway.stop(STOP_GRACE_MS).then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
}
