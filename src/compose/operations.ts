/** The routes for those who run the server: looking at it, applying its file, asking what would happen. */
import { Hono } from 'hono'
import { VERSION } from '../core/version.ts'
import { createServerApiRoutes } from '../http/server-api.ts'
import type { Foundation } from './foundation.ts'

export function createOperations(base: Foundation): Hono {
  const routes = new Hono()
  routes.route(
    '/',
    createServerApiRoutes({
      authenticate: base.authenticate,
      describe: () => ({
        version: VERSION,
        instance_id: base.instanceId,
        confirm: base.settings.confirm,
        hosts: base.hosts.configs.map(({ name }) => name),
      }),
    }),
  )
  return routes
}
