/** What the native API says of runs and repositories. */
import { z } from '@hono/zod-openapi'
import type { CheckButton } from '../core/check.ts'
import { CONCLUSIONS, RUN_EVENTS, RUN_KINDS, RUN_STATES, TRUST_TIERS, type Run } from '../core/run.ts'

/** A run with what its check run says. */
export interface RunShown extends Run {
  readonly face: { readonly title: string; readonly buttons: readonly CheckButton[] }
}

const ErrorAnswer = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    field: z.string().optional(),
    remedy: z.string().optional(),
  }),
})
const failure = (description: string) => ({ description, content: { 'application/json': { schema: ErrorAnswer } } })

export const Failures = {
  401: failure('no valid token'),
  403: failure('the token may not do this'),
  404: failure('there is no such thing, or the token may not see it'),
  409: failure('its state does not allow this now'),
  422: failure('a field is wrong'),
}

const Moment = z.iso.datetime()
export const RunAnswer = z
  .object({
    id: z.string(),
    repository: z.string().nullable().openapi({ example: 'acme/web' }),
    kind: z.enum(RUN_KINDS),
    name: z.string().openapi({ example: 'pipeline/test (node=20)' }),
    attempt: z.number(),
    state: z.enum(RUN_STATES),
    conclusion: z.enum(CONCLUSIONS).nullable(),
    reason: z.string().nullable(),
    title: z.string().openapi({ example: 'All 2 images built in 3.1 s' }),
    event: z.enum(RUN_EVENTS),
    trust: z.enum(TRUST_TIERS),
    ref: z.string(),
    branch: z.string().nullable(),
    tag: z.string().nullable(),
    pull_request: z.number().nullable(),
    actor: z.string().nullable(),
    sha: z.string(),
    created_at: Moment,
    started_at: Moment.nullable(),
    completed_at: Moment.nullable(),
    url: z.string(),
  })
  .openapi('Run')

export const RunDetailAnswer = RunAnswer.extend({
  result: z.unknown().openapi({ description: 'what it found out; the shape depends on the kind' }),
  buttons: z.array(z.string()).openapi({ description: 'what may be asked of it now' }),
  attempts: z.array(z.object({ id: z.string(), attempt: z.number(), conclusion: z.enum(CONCLUSIONS).nullable() })),
  story: z.array(z.object({ at: Moment, kind: z.string(), message: z.string() })),
}).openapi('RunDetail')

export const RepositoryAnswer = z
  .object({
    id: z.number(),
    full_name: z.string(),
    private: z.boolean(),
    default_branch: z.string(),
    html_url: z.string(),
  })
  .openapi('Repository')
