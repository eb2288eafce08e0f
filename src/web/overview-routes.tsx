/** The first page, the pages of repositories, and the hint by which open pages keep themselves current. */
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { LoadResult } from '../config/load-repository-config.ts'
import type { RefStore, RepositoryRecord, RepositoryStore } from '../flow/ports.ts'
import { changeStream } from './change-stream.ts'
import type { ShownConfig } from './config-plan.tsx'
import { repositoryPath } from './commit-links.tsx'
import { createPageRouter, toLogin, type Guard } from './guard.ts'
import { DURATION_DAYS, OverviewPage } from './overview-page.tsx'
import type { Listen, RunBoard } from './ports.ts'
import { RepositoryPage } from './repository-page.tsx'
import type { Rights } from './rights.ts'
import { sessionOf, visitorOf } from './session.ts'

const OPEN_RUNS = 25
const FAILED_RUNS = 8
const RECENT_RUNS = 12
const HISTORY_RUNS = 50
const WEEK_MS = 7 * 24 * 60 * 60_000
const LOAD_HOURS = 24

export interface OverviewDeps {
  readonly guard: Guard
  readonly rights: Rights
  readonly board: RunBoard
  readonly repositories: Pick<RepositoryStore, 'findByName'>
  readonly refs: Pick<RefStore, 'branches' | 'openPullRequests'>
  readonly configAt: (repository: RepositoryRecord, sha: string, treeSha: string | null) => Promise<LoadResult>
  readonly listen: Listen
  readonly now: () => number
  readonly logger: Logger
}

export function createOverviewRoutes(deps: OverviewDeps) {
  const { guard, board, rights } = deps
  const routes = createPageRouter(deps.logger)

  routes.get('/', guard.signedIn, async (context) => {
    const session = sessionOf(context)
    const repositories = await rights.readable(session)
    const ids = repositories.map((repository) => repository.id)
    const now = deps.now()
    const [open, failed, recent, live, durations, load] = await Promise.all([
      board.find({ repositoryIds: ids, isOpen: true, limit: OPEN_RUNS }),
      board.find({
        repositoryIds: ids,
        conclusions: ['failure', 'timed_out'],
        since: new Date(now - WEEK_MS),
        limit: FAILED_RUNS,
      }),
      board.find({ repositoryIds: ids, isOpen: false, limit: RECENT_RUNS }),
      board.live(ids),
      board.durations(ids, DURATION_DAYS),
      board.load(ids, LOAD_HOURS),
    ])
    return await context.html(
      <OverviewPage view={{ session, repositories, open, failed, recent, live, durations, load, now }} />,
    )
  })

  routes.get('/repos/:owner/:name', guard.open, async (context) => {
    const session = visitorOf(context)
    const repository = await deps.repositories.findByName(context.req.param('owner'), context.req.param('name'))
    if (repository === null || !(await rights.mayRead(session, repository))) {
      if (session === null) return toLogin(context)
      throw new SlipwayError('not_found', 'there is no such repository here, or you may not see it')
    }
    const before = new Date(context.req.query('before') ?? Number.NaN)
    const page = Number.isNaN(before.getTime()) ? {} : { before }
    const { id } = repository
    const [branches, pullRequests, runs, live, durations] = await Promise.all([
      deps.refs.branches(id),
      deps.refs.openPullRequests(id),
      board.find({ repositoryId: id, limit: HISTORY_RUNS, ...page }),
      board.live([id]),
      board.durations([id], DURATION_DAYS),
    ])
    const head = branches.find((branch) => branch.name === repository.defaultBranch) ?? null
    const config = await configOf(repository, head)
    const last = runs.length < HISTORY_RUNS ? undefined : runs.at(-1)
    const older =
      last === undefined
        ? null
        : `${repositoryPath(repository)}?before=${encodeURIComponent(last.createdAt.toISOString())}`
    const now = deps.now()
    return await context.html(
      <RepositoryPage
        view={{ session, repository, branches, pullRequests, runs, live, durations, config, older, now }}
      />,
    )
  })

  routes.get('/live', guard.signedIn, (context) => {
    const body = ReadableStream.from(changeStream(deps.listen, context.req.raw.signal))
    return new Response(body, {
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    })
  })
  return routes

  async function configOf(
    repository: RepositoryRecord,
    head: { headSha: string; treeSha: string | null } | null,
  ): Promise<ShownConfig> {
    if (head === null) return { kind: 'absent' }
    try {
      const loaded = await deps.configAt(repository, head.headSha, head.treeSha)
      if (loaded.kind === 'absent') return { kind: 'absent' }
      if (loaded.kind === 'invalid') return { kind: 'invalid', problems: loaded.problems, sha: head.headSha }
      return { kind: 'ok', config: loaded.config, sha: head.headSha }
    } catch (error) {
      deps.logger.info(
        { repository: repository.id, err: errorMessage(error) },
        'the file of a repository could not be read for its page',
      )
      return { kind: 'unknown' }
    }
  }
}
