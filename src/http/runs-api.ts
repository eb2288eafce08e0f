/** The native API of runs: looking at them, and what a person could press on their page. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { SlipwayError } from '../core/errors.ts'
import { CONCLUSIONS, RUN_KINDS, RUN_STATES, type Run, type RunEventEntry } from '../core/run.ts'
import type { RunFilter } from '../core/run-store.ts'
import type { RepositoryRecord, RepositoryStore } from '../flow/ports.ts'
import { createApiRouter, limitBody, requireJson, type ApiEnv } from './api-router.ts'
import type { Authenticate, Identity } from './authenticate.ts'
import { requireScope } from './require-scope.ts'
import { Failures, RepositoryAnswer, RunAnswer, RunDetailAnswer, type RunShown } from './runs-schemas.ts'

const ROOT = '/api/v1/runs'
const LARGEST_PAGE = 200
const READING_SCOPES: readonly string[] = ['read', 'runner', 'admin']
const base = { tags: ['runs'], security: [{ bearer: [] }] }

export interface RunsApiDeps {
  readonly authenticate: Authenticate
  readonly runs: {
    find(
      filter: RunFilter & {
        readonly branch?: string
        readonly state?: Run['state']
        readonly conclusions?: readonly NonNullable<Run['conclusion']>[]
        readonly repositoryIds?: readonly number[]
      },
    ): Promise<readonly RunShown[]>
    get(runId: string): Promise<RunShown | null>
    attempts(run: Run): Promise<readonly RunShown[]>
  }
  readonly story: (runId: string) => Promise<readonly RunEventEntry[]>
  readonly repositories: Pick<RepositoryStore, 'get' | 'findByName' | 'listActive'>
  readonly press: (run: Run, button: string, actor: string) => Promise<void>
  readonly rerun: (run: Run, actor: string) => Promise<Run | null>
  readonly audit: (entry: {
    readonly actor: string
    readonly action: string
    readonly subject: string
    readonly detail?: Readonly<Record<string, unknown>>
  }) => Promise<void>
  readonly detailsUrl: (runId: string) => string
}

const RunsQuery = z.object({
  repository: z
    .string()
    .regex(/^[\w.-]+\/[\w.-]+$/, 'must be OWNER/NAME')
    .optional()
    .openapi({ example: 'acme/web' }),
  kind: z.enum(RUN_KINDS).optional(),
  state: z.enum(RUN_STATES).optional(),
  conclusion: z.enum(CONCLUSIONS).optional(),
  name: z.string().min(1).optional().openapi({ example: 'deployability' }),
  branch: z.string().min(1).optional(),
  sha: z.string().min(1).optional(),
  pull_request: z.coerce.number().int().positive().optional(),
  before: z.iso
    .datetime()
    .optional()
    .openapi({ description: 'only runs made before this moment: `next` of the page before' }),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
})
const RunPath = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) })
const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})

export function createRunsApiRoutes(deps: RunsApiDeps): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  for (const path of [ROOT, `${ROOT}/:id`, '/api/v1/repositories'])
    router.use(path, requireScope(deps.authenticate, 'read'))
  const buttons = ['cancel', 'rerun', 'rebuild', 'approve'] as const
  for (const button of buttons)
    router.use(`${ROOT}/:id/${button}`, requireScope(deps.authenticate, 'admin'), limitBody, requireJson)

  const list = createRoute({
    ...base,
    method: 'get',
    path: ROOT,
    summary: 'List runs, newest first',
    request: { query: RunsQuery },
    responses: {
      ...Failures,
      200: json('a page', z.object({ runs: z.array(RunAnswer), next: z.iso.datetime().nullable() })),
    },
  })
  router.openapi(list, async (context) => {
    const {
      repository: fullName,
      pull_request: pullRequest,
      before,
      conclusion,
      limit,
      ...rest
    } = context.req.valid('query')
    const repositories = await visible(context.get('identity'), fullName ?? null)
    const found = await deps.runs.find({
      repositoryIds: repositories.map(({ id }) => id),
      limit,
      ...defined(rest),
      ...(pullRequest === undefined ? {} : { pullRequest }),
      ...(conclusion === undefined ? {} : { conclusions: [conclusion] }),
      ...(before === undefined ? {} : { before: new Date(before) }),
    })
    const names = new Map(repositories.map((repository) => [repository.id, repository]))
    const last = found.length < limit ? undefined : found.at(-1)
    return context.json(
      {
        runs: found.map((run) => present(run, names.get(run.repositoryId) ?? null)),
        next: last?.createdAt.toISOString() ?? null,
      },
      200,
    )
  })

  const look = createRoute({
    ...base,
    method: 'get',
    path: `${ROOT}/{id}`,
    summary: 'Look at a run: what it found out, and its story',
    request: { params: RunPath },
    responses: { ...Failures, 200: json('the run', RunDetailAnswer) },
  })
  router.openapi(look, async (context) => {
    const { run, repository } = await one(context.get('identity'), context.req.valid('param').id)
    const [story, attempts] = await Promise.all([deps.story(run.id), deps.runs.attempts(run)])
    return context.json(
      {
        ...present(run, repository),
        result: run.result ?? null,
        buttons: run.face.buttons.map(({ identifier }) => identifier),
        attempts: attempts.map(({ id, attempt, conclusion }) => ({ id, attempt, conclusion })),
        story: story.map(({ at, kind, message }) => ({ at: at.toISOString(), kind, message })),
      },
      200,
    )
  })

  for (const button of buttons) {
    const press = createRoute({
      ...base,
      method: 'post',
      path: `${ROOT}/{id}/${button}`,
      summary: SUMMARIES[button],
      request: { params: RunPath },
      responses: { ...Failures, 202: json('it was asked for; the newest attempt', RunAnswer) },
    })
    router.openapi(press, async (context) => {
      const { actor } = context.get('identity')
      const { run, repository } = await one(context.get('identity'), context.req.valid('param').id)
      const isOffered =
        button === 'rerun'
          ? run.state === 'completed'
          : run.face.buttons.some(({ identifier }) => identifier === button)
      if (!isOffered) throw new SlipwayError('conflict', `this run cannot be asked to ${button} now`)
      await deps.audit({
        actor,
        action: `run.${button}`,
        subject: `run:${run.id}`,
        detail: { name: run.name, sha: run.sha },
      })
      if (button === 'rerun') await deps.rerun(run, actor)
      else await deps.press(run, button, actor)
      const newest = (await deps.runs.attempts(run)).at(-1) ?? run
      return context.json(present(newest, repository), 202)
    })
  }

  const repositories = createRoute({
    tags: ['repositories'],
    security: base.security,
    method: 'get',
    path: '/api/v1/repositories',
    summary: 'List the repositories that have installed the app',
    responses: { ...Failures, 200: json('by name', z.object({ repositories: z.array(RepositoryAnswer) })) },
  })
  router.openapi(repositories, async (context) => {
    const found = await visible(context.get('identity'), null)
    const sorted = found.toSorted((a, b) => `${a.owner}/${a.name}`.localeCompare(`${b.owner}/${b.name}`))
    return context.json(
      {
        repositories: sorted.map(({ id, owner, name, isPrivate, defaultBranch, htmlUrl }) => ({
          id,
          full_name: `${owner}/${name}`,
          private: isPrivate,
          default_branch: defaultBranch,
          html_url: htmlUrl,
        })),
      },
      200,
    )
  })
  return router

  /** Tokens made for the pool or for packages are handed to many programs; they say nothing about runs. */
  function requireReader({ scope }: Identity): void {
    if (!READING_SCOPES.includes(scope))
      throw new SlipwayError('not_allowed', 'this needs a token of scope read, runner or admin')
  }

  async function visible(identity: Identity, fullName: string | null): Promise<readonly RepositoryRecord[]> {
    requireReader(identity)
    const [owner = '', name = ''] = (fullName ?? '').split('/')
    const found =
      fullName === null ? await deps.repositories.listActive() : [await deps.repositories.findByName(owner, name)]
    return found.filter((repository) => repository !== null).filter((repository) => isOf(identity, repository))
  }

  async function one(identity: Identity, runId: string): Promise<{ run: RunShown; repository: RepositoryRecord }> {
    requireReader(identity)
    const run = await deps.runs.get(runId)
    const repository = run === null ? null : await deps.repositories.get(run.repositoryId)
    if (run === null || repository === null || !isOf(identity, repository))
      throw new SlipwayError('not_found', `id: there is no run ${runId}`, { field: 'id' })
    return { run, repository }
  }

  function present(run: RunShown, repository: RepositoryRecord | null): z.input<typeof RunAnswer> {
    const { source } = run
    return {
      id: run.id,
      repository: repository === null ? null : `${repository.owner}/${repository.name}`,
      kind: run.kind,
      name: run.name,
      attempt: run.attempt,
      state: run.state,
      conclusion: run.conclusion,
      reason: run.reason,
      title: run.face.title,
      event: source.event,
      trust: source.trust,
      ref: source.ref,
      branch: source.branch,
      tag: source.tag,
      pull_request: source.pullRequest,
      actor: source.actor,
      sha: run.sha,
      created_at: run.createdAt.toISOString(),
      started_at: run.startedAt?.toISOString() ?? null,
      completed_at: run.completedAt?.toISOString() ?? null,
      url: deps.detailsUrl(run.id),
    }
  }
}

const SUMMARIES = {
  cancel: 'Cancel a run',
  rerun: 'Run once more, as a new attempt',
  rebuild: 'Run once more without caches',
  approve: 'Approve a run that waits for a person',
} as const

/** A runner's token sees its organisation. */
function isOf(identity: Identity, repository: RepositoryRecord): boolean {
  return identity.organization === null || identity.organization.toLowerCase() === repository.owner.toLowerCase()
}

/** Without the keys that nobody asked for. */
function defined<Value extends object>(value: Value): { [Key in keyof Value]?: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [Key in keyof Value]?: Exclude<Value[Key], undefined>
  }
}
