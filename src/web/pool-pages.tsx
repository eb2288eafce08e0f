/**
 * The pool's pages. Everyone who is logged in may look; orders are an admin's, sent by forms that carry the session's
 * CSRF token. Whatever happens in a pool is told to open pages over an event stream; it is found by asking the database
 * for the newest event (the end of an index) once a second, and only while somebody looks.
 */
import type { Context, Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Logger } from '../core/logger.ts'
import { DEFAULT_POOL, type Instance, type Pool } from '../pool/index.ts'
import { createPageRouter, type Guard } from './guard.ts'
import { Page } from './layout.tsx'
import { InstancePage } from './pool-instance-page.tsx'
import { addInstance, obey, type Fields, type OrderDeps } from './pool-orders.ts'
import { EMPTY_FORM, poolPath, type AddForm, type PoolView } from './pool-view-model.ts'
import { LivePool, PoolsPage } from './pools.tsx'
import { sessionOf, type Session, type WebEnv } from './session.ts'

const USAGE_HOURS = 7 * 24
const HISTORY_LENGTH = 200
/** How stale an open page may be. */
const LOOK_EVERY_MS = 1_000
/** Proxies close streams that are silent for longer. */
const KEEP_ALIVE_MS = 20_000

export interface PoolPagesDeps extends OrderDeps {
  readonly guard: Guard
  readonly logger: Logger
  /** Without a closing slash. */
  readonly githubUrl: string
}

export function createPoolPages(deps: PoolPagesDeps): Hono<WebEnv> {
  const { signedIn, admin } = deps.guard
  const pages = createPageRouter(deps.logger)

  pages.get('/pools', signedIn, (context) => show(context, deps, DEFAULT_POOL))
  pages.get('/pools/events', signedIn, (context) => streamChanges(context, deps))
  pages.get('/pools/:pool', signedIn, (context) => show(context, deps, context.req.param('pool')))
  pages.get('/pools/:pool/live', signedIn, async (context) => {
    const view = await readView(deps, context.req.param('pool'), sessionOf(context))
    return view === null ? context.notFound() : context.html(<LivePool view={view} />)
  })
  pages.get('/pools/:pool/instances/:id', signedIn, async (context) => {
    const { pool, id } = context.req.param()
    const instance = await findInstance(deps, pool, id)
    if (instance === null) return context.notFound()
    const [record, events] = await Promise.all([
      deps.store.record(id),
      deps.store.events(pool, id, HISTORY_LENGTH, null),
    ])
    return context.html(
      <Page title={instance.domain} session={sessionOf(context)} active="pools" assets={['pools.css']}>
        <InstancePage instance={instance} record={record} events={events} />
      </Page>,
    )
  })

  pages.post('/pools/:pool/instances', admin, (context) =>
    withOrder(context, deps, async (pool, fields, actor) => {
      const form = await addInstance(deps, pool, fields, actor)
      return form === null ? back(context, pool) : show(context, deps, pool.name, form, null, 422)
    }),
  )
  pages.post('/pools/:pool/instances/:id/:verb', admin, (context) =>
    withOrder(context, deps, async (pool, fields, actor) => {
      const { id, verb } = context.req.param()
      const instance = await findInstance(deps, pool.name, id)
      // Somebody else removed it: the page shows as much.
      if (instance === null) return back(context, pool)
      const problem = await obey(deps, pool, instance, verb, fields, actor)
      return problem === null ? back(context, pool) : show(context, deps, pool.name, EMPTY_FORM, problem, 409)
    }),
  )
  pages.post('/pools/:pool/queue/:id/withdraw', admin, (context) =>
    withOrder(context, deps, async (pool, _fields, actor) => {
      const { id } = context.req.param()
      if (/^[\da-f-]{36}$/.test(id)) {
        await deps.store.end({ by: 'id', id }, { ending: 'withdrawn', actor, reason: 'withdrawn on the page' })
      }
      return back(context, pool)
    }),
  )
  return pages
}

/** Runs an admin's order; the guard has seen to who may, and whose form it is. */
async function withOrder(
  context: Context<WebEnv>,
  deps: PoolPagesDeps,
  order: (pool: Pool, fields: Fields, actor: string) => Promise<Response>,
): Promise<Response> {
  const body = await context.req.parseBody()
  const fields = Object.fromEntries(
    Object.entries(body).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  )
  const pool = await deps.store.findPool(context.req.param('pool') ?? '')
  return pool === null ? context.notFound() : order(pool, fields, sessionOf(context).actor)
}

async function show(
  context: Context<WebEnv>,
  deps: PoolPagesDeps,
  name: string,
  form: AddForm = EMPTY_FORM,
  problem: string | null = null,
  status: 200 | 409 | 422 = 200,
): Promise<Response> {
  const session = sessionOf(context)
  const view = await readView(deps, name, session)
  if (view === null) return context.notFound()
  return context.html(
    <Page title={`Pool ${name}`} session={session} active="pools" assets={['pools.css', 'pools.js']}>
      <PoolsPage view={view} form={form} problem={problem} />
    </Page>,
    status,
  )
}

async function readView(deps: PoolPagesDeps, name: string, session: Session): Promise<PoolView | null> {
  // First of all: what happens while the rest is read shows as newer.
  const version = await deps.store.latestEvent()
  const pools = await deps.store.overviews()
  const overview = pools.find(({ pool }) => pool.name === name)
  if (overview === undefined) return null
  const [instances, queue, usage] = await Promise.all([
    deps.store.instances(name),
    deps.store.queue(name),
    deps.store.usage(name, USAGE_HOURS),
  ])
  return { pools, overview, instances, queue, usage, version, session, githubUrl: deps.githubUrl }
}

function streamChanges(context: Context<WebEnv>, deps: PoolPagesDeps): Response {
  return streamSSE(
    context,
    async (stream) => {
      // A browser that connects again says what it saw last.
      let known = context.req.header('last-event-id') ?? context.req.query('since') ?? (await deps.store.latestEvent())
      let silentMs = 0
      for (;;) {
        await stream.sleep(LOOK_EVERY_MS)
        if (stream.aborted) return
        const latest = await deps.store.latestEvent()
        silentMs += LOOK_EVERY_MS
        if (latest !== known) await stream.writeSSE({ event: 'changed', id: latest, data: latest })
        else if (silentMs >= KEEP_ALIVE_MS) await stream.write(': still here\n\n')
        else continue
        known = latest
        silentMs = 0
      }
    },
    // The database was away: the stream ends, and the browser opens another one.
    () => Promise.resolve(),
  )
}

async function findInstance(deps: PoolPagesDeps, pool: string, id: string): Promise<Instance | null> {
  return /^\d{1,18}$/.test(id) ? deps.store.findInstance(pool, id) : null
}

function back(context: Context, pool: Pool): Response {
  return context.redirect(poolPath(pool), 303)
}
