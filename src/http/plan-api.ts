/** What would happen to a branch, a pull request or a tag, and why: `GET /api/v1/plan`. Nothing is changed by it. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { PlanExplained, PlannedRun, PlanTarget } from '../flow/explain-plan.ts'
import { createApiRouter, type ApiEnv } from './api-router.ts'
import type { Authenticate } from './authenticate.ts'
import { requireScope } from './require-scope.ts'

const PATH = '/api/v1/plan'

const PlanQuery = z.object({
  repository: z
    .string()
    .regex(/^[\w.-]+\/[\w.-]+$/, 'must be OWNER/NAME')
    .openapi({ example: 'acme/web' }),
  branch: z.string().min(1).optional(),
  pull_request: z.coerce.number().int().positive().optional(),
  tag: z.string().min(1).optional(),
})

const PlannedRunAnswer = z.object({
  name: z.string().openapi({ example: 'deployability' }),
  kind: z.string(),
  outcome: z
    .enum(['runs', 'waits', 'ends', 'exists'])
    .openapi({ description: 'waits: for an approval; ends: is concluded at once; exists: the run is there already' }),
  conclusion: z.string().nullable(),
  why: z.string(),
  title: z.string(),
  summary: z.string(),
  existing_run: z.string().nullable(),
})

const PlanAnswer = z
  .object({
    repository: z.string(),
    sha: z.string(),
    config_sha: z.string(),
    event: z.string(),
    trust: z.string(),
    file: z.enum(['absent', 'invalid', 'valid']),
    ignored: z.string().nullable(),
    runs: z.array(PlannedRunAnswer),
    supersedes: z.array(z.object({ id: z.string(), name: z.string(), sha: z.string() })),
  })
  .openapi('Plan')

export interface PlanApiDeps {
  readonly authenticate: Authenticate
  readonly findRepository: (owner: string, name: string) => Promise<RepositoryRef | null>
  readonly explain: (repository: RepositoryRef, target: PlanTarget) => Promise<PlanExplained>
}

export function createPlanApiRoutes(deps: PlanApiDeps): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  router.use(PATH, requireScope(deps.authenticate, 'read'))
  const look = createRoute({
    method: 'get',
    path: PATH,
    tags: ['plan'],
    security: [{ bearer: [] }],
    summary: 'What would happen to a branch, a pull request or a tag, and why',
    request: { query: PlanQuery },
    responses: { 200: { description: 'the plan', content: { 'application/json': { schema: PlanAnswer } } } },
  })
  router.openapi(look, async (context) => {
    const query = context.req.valid('query')
    const [owner = '', name = ''] = query.repository.split('/')
    const repository = await deps.findRepository(owner, name)
    if (repository === null) {
      throw new SlipwayError('not_found', `repository: the App is not installed on ${query.repository}`, {
        field: 'repository',
      })
    }
    const explained = await deps.explain(repository, targetOf(query))
    if (explained.kind === 'not_found')
      throw new SlipwayError('not_found', `${query.repository} does not have ${explained.what}`)
    return context.json(presentPlan(query.repository, explained), 200)
  })
  return router
}

function targetOf({ branch, pull_request: number, tag }: z.output<typeof PlanQuery>): PlanTarget {
  const given: PlanTarget[] = []
  if (branch !== undefined) given.push({ kind: 'branch', branch })
  if (number !== undefined) given.push({ kind: 'pull_request', number })
  if (tag !== undefined) given.push({ kind: 'tag', tag })
  const [target] = given
  if (target !== undefined && given.length === 1) return target
  throw new SlipwayError('request_invalid', 'name exactly one of branch, pull_request and tag', { field: 'branch' })
}

function presentPlan(
  repository: string,
  { commit, file, ignored, runs, superseded }: Extract<PlanExplained, { kind: 'planned' }>,
): z.output<typeof PlanAnswer> {
  return {
    repository,
    sha: commit.sha,
    config_sha: commit.configSha,
    event: commit.source.event,
    trust: commit.source.trust,
    file,
    ignored,
    runs: runs.map(presentRun),
    supersedes: superseded.map(({ id, name, sha }) => ({ id, name, sha })),
  }
}

function presentRun({ run, existing }: PlannedRun): z.output<typeof PlannedRunAnswer> {
  const { title, summary } = run.report.output
  return {
    name: run.name,
    kind: run.kind,
    outcome: outcomeOf(run, existing !== null),
    conclusion: run.report.conclusion,
    why: run.story,
    title,
    summary,
    existing_run: existing?.id ?? null,
  }
}

function outcomeOf({ report, reason }: PlannedRun['run'], exists: boolean): 'runs' | 'waits' | 'ends' | 'exists' {
  if (exists) return 'exists'
  if (reason === 'approval') return 'waits'
  return report.status === 'completed' ? 'ends' : 'runs'
}
