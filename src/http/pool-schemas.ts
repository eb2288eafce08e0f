/** The shapes of the native pool API, for validation and for the description at `/openapi.json`. */
import { z } from '@hono/zod-openapi'
import { DURATION_FORM, parseDuration } from '../core/duration.ts'

const Duration = z
  .union([z.number(), z.string()])
  .transform((value, context) => {
    const milliseconds = typeof value === 'number' && value <= 0 ? null : parseDuration(value)
    if (milliseconds !== null && milliseconds > 0) return milliseconds
    context.addIssue({ code: 'custom', message: `must be ${DURATION_FORM}, more than zero` })
    return z.NEVER
  })
  .openapi({ type: 'string', example: '45m', description: DURATION_FORM })

/** Like `Duration`, but zero is one, too. */
const Wait = z
  .union([z.number(), z.string()])
  .transform((value, context) => {
    const milliseconds = typeof value === 'number' && value < 0 ? null : parseDuration(value)
    if (milliseconds !== null) return milliseconds
    context.addIssue({ code: 'custom', message: `must be ${DURATION_FORM}` })
    return z.NEVER
  })
  .openapi({ type: 'string', example: '10m', description: DURATION_FORM })

const Labels = z.record(z.string(), z.string()).openapi({ example: { size: 's' } })
const Id = z.string().regex(/^\d{1,18}$/, 'is not an id')
const Uuid = z.uuid('is not an id')

export const PoolName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9, dot, dash and underscore')

export const PoolPath = z.object({
  pool: z.string().openapi({ param: { name: 'pool', in: 'path' }, example: 'default' }),
})
export const InstancePath = PoolPath.extend({ id: Id.openapi({ param: { name: 'id', in: 'path' }, example: '1' }) })
export const ReservationPath = PoolPath.extend({
  id: Uuid.openapi({ param: { name: 'id', in: 'path' }, example: '6d1f0c7e-8c1f-4a5e-9b0a-2f6f6d3c1a11' }),
})

const Cleaning = z.union([
  z.strictObject({
    image: z.string().min(1),
    commands: z.array(z.string()).min(1),
    timeout: Duration.default(300_000),
  }),
  z.strictObject({ url: z.url({ protocol: /^https?$/ }), timeout: Duration.default(300_000) }),
])
const Health = z.strictObject({ path: z.string().startsWith('/'), timeout: Duration.default(5000) })
const Limit = z.int().min(1).nullable()

export const PoolSettingsBody = z.strictObject({
  timeout: Duration.optional(),
  max_timeout: Duration.optional(),
  cleaning: Cleaning.nullable().optional(),
  health: Health.nullable().optional(),
  selection: z.enum(['lowest', 'least_recent']).optional(),
  quarantine_after: z.int().min(1).max(100).optional(),
  max_held_per_repository: Limit.optional(),
  max_waiting_per_repository: z.int().min(0).nullable().optional(),
})
export const NewPoolBody = PoolSettingsBody.extend({ name: PoolName })

export const NewInstanceBody = z.strictObject({
  domain: z.string().openapi({ example: 'ci1.example.com' }),
  token: z.string().min(1).max(4096),
  labels: Labels.optional(),
  note: z.string().optional(),
})
export const InstanceBody = NewInstanceBody.partial()
export const ReasonBody = z.strictObject({ reason: z.string().max(500).default('') })

export const ReservationBody = z.strictObject({
  client: z.string().openapi({ example: 'acme--shop--4711--12' }),
  count: z.number().optional(),
  labels: Labels.optional(),
  instance: Id.optional().openapi({ description: 'the id of one instance, asked for by name' }),
  timeout: Duration.optional(),
  wait: Wait.optional().openapi({ description: 'how long to stand in the line; absent: not at all' }),
  priority: z.number().optional(),
  idempotency_key: z.string().optional(),
  hold_on_failure: Duration.optional(),
  heartbeat: Duration.optional(),
  repository: z.string().optional().openapi({ example: 'acme/shop' }),
  reason: z.string().optional(),
})
export const ExtendBody = z.strictObject({ timeout: Duration })
export const ReleaseBody = z.strictObject({
  outcome: z.enum(['success', 'failure']).optional(),
  generation: z.string().optional(),
  reason: z.string().optional(),
})
export const StealBody = z.strictObject({
  reason: z.string().min(1, 'cannot be blank').max(500),
  timeout: Duration.optional(),
})

export const ReservationQuery = z.object({
  wait: z.coerce.number().min(0).max(60).default(0).openapi({ description: 'seconds to wait for the end of the wait' }),
})
export const HistoryQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  before: z
    .string()
    .regex(/^\d{1,18}$/, 'is not an id')
    .optional(),
})

const Time = z.iso.datetime()
export const PoolAnswer = z
  .object({
    name: z.string(),
    timeout_seconds: z.number(),
    max_timeout_seconds: z.number(),
    cleaning: z.unknown(),
    health: z.unknown(),
    selection: z.string(),
    quarantine_after: z.int(),
    max_held_per_repository: z.int().nullable(),
    max_waiting_per_repository: z.int().nullable(),
    source: z.enum(['api', 'file']),
    counts: z.record(z.string(), z.int()),
    median_hold_seconds: z.number().nullable(),
  })
  .openapi('Pool')

export const InstanceAnswer = z
  .object({
    id: z.string(),
    pool: z.string(),
    domain: z.string(),
    url: z.string(),
    labels: Labels,
    note: z.string(),
    state: z.enum(['free', 'held', 'cleaning', 'quarantined']),
    draining: z.boolean(),
    leaving: z.boolean(),
    failures: z.int(),
    last_error: z.string().nullable(),
    source: z.enum(['api', 'file']),
    since: Time,
    holder: z.unknown().nullable(),
  })
  .openapi('Instance')

export const ReservationAnswer = z
  .object({
    id: z.string(),
    generation: z.string(),
    pool: z.string(),
    state: z.enum(['waiting', 'held', 'ended']),
    client: z.string(),
    reason: z.string(),
    repository: z.string().nullable(),
    run_id: z.string().nullable(),
    count: z.int(),
    labels: Labels,
    priority: z.int(),
    created_at: Time,
    granted_at: Time.nullable(),
    expires_at: Time.nullable(),
    ended_at: Time.nullable(),
    ending: z.string().nullable(),
    kept_for_debugging: z.boolean(),
    heartbeat_seconds: z.number().nullable(),
    place: z.int().nullable().openapi({ description: 'in the line; 1 is next' }),
    estimated_wait_seconds: z.number().nullable(),
    instances: z.array(
      z.object({
        id: z.string(),
        domain: z.string(),
        url: z.string(),
        token: z.string().nullable().openapi({ description: 'only for the token that reserved it' }),
      }),
    ),
  })
  .openapi('Reservation')

export const EventAnswer = z
  .object({
    id: z.string(),
    at: Time,
    kind: z.string(),
    instance: z.string().nullable(),
    domain: z.string().nullable(),
    reservation: z.string().nullable(),
    client: z.string().nullable(),
    actor: z.string(),
    reason: z.string(),
    lasted_seconds: z.number().nullable(),
  })
  .openapi('PoolEvent')

export const QueueEntryAnswer = z
  .object({
    id: z.string(),
    place: z.int(),
    client: z.string(),
    repository: z.string().nullable(),
    run_id: z.string().nullable(),
    priority: z.int(),
    count: z.int(),
    labels: Labels,
    since: Time,
    estimated_wait_seconds: z.number().nullable(),
  })
  .openapi('QueueEntry')

export const ErrorAnswer = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      field: z.string().optional(),
      remedy: z.string().optional(),
    }),
  })
  .openapi('Error')
