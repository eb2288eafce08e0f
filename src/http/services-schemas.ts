/** Bodies and answers of the services API. */
import { z } from '@hono/zod-openapi'

const TIME = z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' })

export const ServicePath = z.object({
  owner: z.string().openapi({ example: 'acme' }),
  repository: z.string().openapi({ example: 'web' }),
  service: z.string().openapi({ example: 'www', description: 'the key in slipway.yml; a preview is KEY~pr-NUMBER' }),
})

export const ReleaseAnswer = z
  .object({
    id: z.uuid(),
    number: z.int(),
    sha: z.string(),
    image: z.string().openapi({ description: 'its digest in a registry, else its id' }),
    outcome: z.enum(['prepared', 'live', 'replaced', 'rolled_back', 'failed', 'dropped']),
    reason: z.string().nullable(),
    run_id: z.uuid(),
    approved_by: z.string().nullable(),
    created_at: TIME,
    live_since: TIME.nullable(),
    live_until: TIME.nullable(),
    can_be_rolled_back_to: z.boolean(),
  })
  .openapi('Release')

export const DeploymentAnswer = z
  .object({
    run_id: z.uuid(),
    state: z.enum([
      'queued',
      'building',
      'publishing',
      'waiting',
      'rolling',
      'baking',
      'live',
      'rolled_back',
      'failed',
      'superseded',
      'cancelled',
    ]),
    release_id: z.uuid().nullable(),
    previous_release_id: z.uuid().nullable(),
    failure: z
      .object({ kind: z.string(), cause: z.string(), exit_code: z.int().nullable(), log_tail: z.array(z.string()) })
      .nullable(),
    warnings: z.array(z.string()),
    timeline: z.array(z.object({ state: z.string(), at: z.string() })),
  })
  .openapi('Deployment')

export const ServiceAnswer = z
  .object({
    id: z.uuid(),
    repository: z.string(),
    service: z.string(),
    pull_request: z.int().nullable(),
    branch: z.string(),
    host: z.string(),
    driver: z.enum(['swarm', 'container', 'unikernel']),
    name: z.string(),
    environment: z.string(),
    url: z.string().nullable(),
    live: ReleaseAnswer.nullable(),
    held_sha: z.string().nullable().openapi({ description: 'a commit that was rolled back and stays back' }),
    lock: z.object({ by: z.string(), reason: z.string(), until: TIME.nullable(), since: TIME }).nullable(),
    drift: z.object({ found: z.string(), since: TIME }).nullable(),
    deployment: DeploymentAnswer.nullable().openapi({ description: 'the newest one' }),
    expires_at: TIME.nullable(),
  })
  .openapi('Service')

export const RunAnswer = z.object({ run_id: z.uuid(), url: z.string() }).openapi('StartedRun')
export const RollbackBody = z.strictObject({
  to: z
    .union([z.string(), z.int()])
    .optional()
    .openapi({ description: 'number, id or commit of a release; default: the one before' }),
  force: z.boolean().default(false).openapi({ description: 'although somebody else locked the service' }),
})
export const LockBody = z.strictObject({
  reason: z.string().trim().min(1).max(500),
  until: z.iso.datetime({ offset: true }).optional(),
})
export const DeployBody = z.strictObject({
  sha: z
    .string()
    .regex(/^[0-9a-f]{7,40}$/i, 'must be a commit')
    .optional(),
})
export const FreezeBody = z.strictObject({ reason: z.string().trim().min(1).max(500) })
export const PreviewAnswer = z
  .object({
    from: ReleaseAnswer.nullable(),
    to: ReleaseAnswer,
    changed_env: z.array(z.string()),
    changed_secrets: z.array(z.string()),
  })
  .openapi('RollbackPreview')
