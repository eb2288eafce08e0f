/** What `/readyz` asks, and what `/metrics` reads from the database. */
import type { Hono } from 'hono'
import { errorMessage } from '../core/errors.ts'
import { createHealthRoutes, type ReadyPart } from '../http/health.ts'
import { registerQueueGauges } from '../store/queue-gauges.ts'
import type { Foundation } from './foundation.ts'
import { sql } from '../store/database.ts'
import { VERSION } from '../core/version.ts'

/** GitHub is not asked at every probe of a load balancer. */
const GITHUB_CHECK_TTL_MS = 60_000

export function createHealth(base: Foundation, isStopping: () => boolean): Hono {
  registerQueueGauges(base.db, (name, help, labels, read) => base.metrics.gauge(name, help, labels, read))
  let github: { readonly at: number; readonly part: ReadyPart } | null = null
  return createHealthRoutes({
    version: VERSION,
    isStopping,
    database: () =>
      partOf(async () => {
        await base.db.first(sql`select 1`)
        return 'answers'
      }),
    async github() {
      const now = base.clock.monotonic()
      if (github === null || !github.part.ok || now - github.at > GITHUB_CHECK_TTL_MS) {
        const part = await partOf(async () => {
          if (base.github.appId() === null) throw new Error('no credentials yet: open the set-up page')
          const { data } = await base.github.call(() => base.github.app().rest.apps.getAuthenticated())
          return `app ${data?.slug ?? data?.name ?? ''}`
        })
        github = { at: now, part }
      }
      return github.part
    },
    async hosts() {
      const described = await base.hosts.describeAll()
      return Object.fromEntries(
        [...described].map(([name, host]) => [
          name,
          'info' in host
            ? { ok: true, detail: `Docker ${host.info.version}, ${host.info.platform}` }
            : { ok: false, detail: host.cause },
        ]),
      )
    },
    metrics: async () => ({
      contentType: base.metrics.registry.contentType,
      text: await base.metrics.registry.metrics(),
    }),
  })
}

async function partOf(look: () => Promise<string>): Promise<ReadyPart> {
  try {
    return { ok: true, detail: await look() }
  } catch (error) {
    return { ok: false, detail: errorMessage(error) }
  }
}
