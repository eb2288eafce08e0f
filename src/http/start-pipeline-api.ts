/** `POST /api/v1/repos/{owner}/{name}/pipelines`: a start by hand, with the inputs that the file declares. */
import { Hono } from 'hono'
import { z } from 'zod'
import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import { limitBody, type ApiEnv } from './api-router.ts'
import type { Authenticate } from './authenticate.ts'
import { requireScope } from './require-scope.ts'
import { readFields } from './runner-body.ts'

const startBody = z.strictObject({
  branch: z.string().min(1).max(255).optional(),
  inputs: z.record(z.string(), z.unknown()).default({}),
})

export interface StartPipelineDeps {
  readonly authenticate: Authenticate
  readonly findRepository: (owner: string, name: string) => Promise<RepositoryRef | null>
  readonly start: (start: {
    readonly repository: RepositoryRef
    readonly branch: string
    readonly inputs: Readonly<Record<string, unknown>>
    readonly actor: string
  }) => Promise<void>
}

export function startPipelineApi(deps: StartPipelineDeps): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>()
  routes.post(
    '/api/v1/repos/:owner/:name/pipelines',
    requireScope(deps.authenticate, 'runner'),
    limitBody,
    async (context) => {
      const { owner, name } = context.req.param()
      const { actor, organization } = context.get('identity')
      const repository =
        organization === null || organization.toLowerCase() === owner.toLowerCase()
          ? await deps.findRepository(owner, name)
          : null
      if (repository === null) throw new SlipwayError('not_found', `there is no repository ${owner}/${name}`)
      const body = startBody.safeParse(await readFields(context))
      if (!body.success) throw new SlipwayError('request_invalid', body.error.issues[0]?.message ?? 'the body is wrong')
      const branch = body.data.branch ?? repository.defaultBranch
      await deps.start({ repository, branch, inputs: body.data.inputs, actor })
      return context.json({ repository: `${owner}/${name}`, branch }, 202)
    },
  )
  return routes
}
