/** Is it alive, can it work, what does it count. No rights needed: nothing here names a repository or a secret. */
import { Hono } from 'hono'

export interface ReadyPart {
  readonly ok: boolean
  /** One line on what is wrong, or what was found. */
  readonly detail: string
}

export interface HealthDeps {
  readonly database: () => Promise<ReadyPart>
  readonly github: () => Promise<ReadyPart>
  /** Every Docker host by name. */
  readonly hosts: () => Promise<Readonly<Record<string, ReadyPart>>>
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  readonly isStopping: () => boolean
  readonly version: string
}

export function createHealthRoutes(deps: HealthDeps): Hono {
  const routes = new Hono()
  routes.get('/healthz', (context) => context.json({ status: 'ok', version: deps.version }))
  routes.get('/readyz', async (context) => {
    const [database, github, hosts] = await Promise.all([deps.database(), deps.github(), deps.hosts()])
    const isStopping = deps.isStopping()
    const isReady = database.ok && github.ok && Object.values(hosts).some((host) => host.ok) && !isStopping
    const status = isStopping ? 'stopping' : isReady ? 'ready' : 'not ready'
    return context.json({ status, database, github, hosts }, isReady ? 200 : 503)
  })
  routes.get('/metrics', async () => {
    const { contentType, text } = await deps.metrics()
    return new Response(text, { headers: { 'content-type': contentType } })
  })
  return routes
}
