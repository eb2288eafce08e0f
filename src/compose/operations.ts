/** The routes for those who run the server: looking at it, applying its file, asking what would happen. */
import { OpenAPIHono } from '@hono/zod-openapi'
import { VERSION } from '../core/version.ts'
import type { FlowDeps } from '../flow/deps.ts'
import { explainPlan } from '../flow/explain-plan.ts'
import { createPlanApiRoutes } from '../http/plan-api.ts'
import { createServerApiRoutes } from '../http/server-api.ts'
import { readAudit, writeAudit } from '../store/audit.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'
import { readServerFile } from './server-file.ts'

export function createOperations(base: Foundation, flow: FlowDeps, features: readonly Feature[]): OpenAPIHono {
  const { authenticate, settings } = base
  const routes = new OpenAPIHono()
  routes.route(
    '/',
    createServerApiRoutes({
      authenticate,
      describe: () => ({
        version: VERSION,
        instance_id: base.instanceId,
        confirm: settings.confirm,
        hosts: base.hosts.configs.map(({ name }) => name),
      }),
      async apply(actor) {
        const config = await readServerFile(settings, base.yaml)
        base.applyServerConfig(config)
        for (const feature of features) await feature.applyConfig?.(config)
        await writeAudit(base.db, { actor, action: 'server.apply', subject: 'server.yml' })
        return {
          file: settings.serverConfig,
          hosts: config.hosts.map(({ name }) => name),
          pools: config.pools.map(({ name }) => name),
          repositories: config.repositories.map(({ pattern }) => pattern),
          tokens: config.tokens.map(({ name }) => name),
        }
      },
      audit: (limit, before) => readAudit(base.db, limit, before),
    }),
  )
  routes.route(
    '/',
    createPlanApiRoutes({
      authenticate,
      findRepository: (owner, name) => base.repositories.findByName(owner, name),
      explain: (repository, target) => explainPlan(flow, repository, target),
    }),
  )
  return routes
}
