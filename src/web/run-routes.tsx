/** The routes of one run: its page, its log in every form a person wants, and its buttons. */
import type { Context } from 'hono'
import { z } from 'zod'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { RunLogs } from '../core/run-log.ts'
import type { Run, RunEventEntry } from '../core/run.ts'
import type { RepositoryStore } from '../flow/ports.ts'
import { createPageRouter, toLogin, type Guard } from './guard.ts'
import { createLogPainter } from './log-html.ts'
import type { AuditBook, Listen, RunBoard, RunLine } from './ports.ts'
import type { Rights } from './rights.ts'
import { RunParts, type RunView } from './run-live.tsx'
import { RunPage, type ShownLog } from './run-page.tsx'
import { runStream } from './run-stream.ts'
import { searchLog } from './search-log.ts'
import { sessionOf, visitorOf, type WebEnv } from './session.ts'

/** Lines in the page as it comes; more are fetched when somebody wants them. */
const SHOWN_LINES = 1_000
const MOST_FETCHED_LINES = 2_000
const LONGEST_QUERY = 200

export interface RunRouteDeps {
  readonly guard: Guard
  readonly rights: Rights
  readonly board: RunBoard
  readonly story: (runId: string) => Promise<readonly RunEventEntry[]>
  readonly repositories: Pick<RepositoryStore, 'get'>
  readonly logs: RunLogs
  readonly listen: Listen
  readonly audit: AuditBook
  /** What the flow does for a button of a check run. */
  readonly press: (run: Run, button: string, actor: string) => Promise<void>
  /** The new attempt; null while the newest is still going, or when its commit is planned anew. */
  readonly rerun: (run: Run, actor: string) => Promise<Run | null>
  readonly now: () => number
  readonly logger: Logger
}

const lineNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const logQuery = z.object({ from: lineNumber, limit: lineNumber.max(MOST_FETCHED_LINES).default(SHOWN_LINES) })

export function createRunRoutes(deps: RunRouteDeps) {
  const { guard } = deps
  const routes = createPageRouter(deps.logger)

  routes.get('/runs/:id', guard.open, async (context) => {
    const seen = await see(context)
    if (seen instanceof Response) return seen
    const log = await shownLog(deps.logs, seen.run.id)
    return await context.html(<RunPage view={await viewOf(context, seen)} log={log} />)
  })

  routes.get('/runs/:id/log', guard.open, async (context) => {
    const seen = await see(context)
    if (seen instanceof Response) return seen
    const query = logQuery.safeParse(context.req.query())
    if (!query.success) throw new SlipwayError('request_invalid', 'from and limit must be numbers of lines')
    const page = await deps.logs.read(seen.run.id, query.data)
    context.header('x-next-line', String(page.next))
    return context.html(createLogPainter()(page.lines))
  })

  routes.get('/runs/:id/search', guard.open, async (context) => {
    const seen = await see(context)
    if (seen instanceof Response) return seen
    const wanted = (context.req.query('q') ?? '').slice(0, LONGEST_QUERY)
    return context.json(await searchLog(deps.logs, seen.run.id, wanted, context.req.raw.signal))
  })

  routes.get('/runs/:id/log.txt', guard.open, async (context) => {
    const seen = await see(context)
    if (seen instanceof Response) return seen
    const from = lineNumber.catch(1).parse(context.req.query('from') ?? 1)
    return stream(deps.logs.content(seen.run.id, { from, signal: context.req.raw.signal }), {
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': `attachment; filename="${seen.run.id}.log.txt"`,
    })
  })

  routes.get('/runs/:id/live', guard.open, async (context) => {
    const seen = await see(context)
    if (seen instanceof Response) return seen
    const { run } = seen
    const last = lineNumber.safeParse(context.req.header('last-event-id'))
    const from = last.success ? last.data + 1 : lineNumber.catch(1).parse(context.req.query('from') ?? 1)
    const first = await viewOf(context, seen)
    const show = async () => {
      const fresh = (await deps.board.get(run.id)) ?? run
      const [attempts, story] = await Promise.all([deps.board.attempts(fresh), deps.story(run.id)])
      const view = { ...first, run: fresh, attempts, story, now: deps.now() }
      return { html: String(await (<RunParts view={view} />)), isOver: fresh.state === 'completed' }
    }
    const { signal } = context.req.raw
    return stream(runStream({ logs: deps.logs, listen: deps.listen, show }, { runId: run.id, from, signal }), {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
  })

  routes.post('/runs/:id/:button', guard.signedIn, async (context) => {
    const seen = await see(context)
    if (seen instanceof Response) return seen
    const session = sessionOf(context)
    if (!(await deps.rights.mayWrite(session, seen.repository))) {
      throw new SlipwayError('not_allowed', 'this needs write permission on the repository')
    }
    const { run } = seen
    const button = context.req.param('button')
    const isKnown = button === 'rerun' || run.face.buttons.some(({ identifier }) => identifier === button)
    if (!isKnown) throw new SlipwayError('conflict', `this run has no button ${button} any more`)
    await deps.audit.write({
      actor: session.actor,
      action: `run.${button}`,
      subject: `run:${run.id}`,
      detail: { name: run.name, sha: run.sha },
    })
    const created = button === 'rerun' ? await deps.rerun(run, session.actor) : null
    if (button !== 'rerun') await deps.press(run, button, session.actor)
    const newest = created ?? (await deps.board.attempts(run)).at(-1) ?? run
    return context.redirect(`/runs/${newest.id}`, 303)
  })
  return routes

  /** The run, when the visitor may know of it; strangers are asked to log in first. */
  async function see(context: Context<WebEnv>): Promise<Response | Seen> {
    const run = await deps.board.get(context.req.param('id') ?? '')
    const repository = run === null ? null : await deps.repositories.get(run.repositoryId)
    const session = visitorOf(context)
    if (run !== null && repository !== null && (await deps.rights.mayRead(session, repository)))
      return { run, repository }
    if (session === null) return toLogin(context)
    throw new SlipwayError('not_found', 'there is no such run, or you may not see its repository')
  }

  async function viewOf(context: Context<WebEnv>, { run, repository }: Seen): Promise<RunView> {
    const session = visitorOf(context)
    const [attempts, story, mayWrite] = await Promise.all([
      deps.board.attempts(run),
      deps.story(run.id),
      session === null ? false : deps.rights.mayWrite(session, repository).catch(() => false),
    ])
    return { run, repository, attempts, story, mayWrite, session, now: deps.now() }
  }
}

interface Seen {
  readonly run: RunLine
  readonly repository: NonNullable<Awaited<ReturnType<RepositoryStore['get']>>>
}

async function shownLog(logs: RunLogs, runId: string): Promise<ShownLog> {
  const lines = await logs.tail(runId, SHOWN_LINES)
  const [first] = lines
  return {
    html: createLogPainter()(lines),
    first: first?.n ?? 1,
    next: (lines.at(-1)?.n ?? 0) + 1,
    isEmpty: first === undefined,
  }
}

function stream(content: AsyncIterable<Uint8Array>, headers: Record<string, string>): Response {
  return new Response(ReadableStream.from(content), { headers })
}
