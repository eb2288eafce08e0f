/** The part of the pool API's answers that the command reads. */
import { z } from 'zod'

export const Instance = z.object({
  id: z.string(),
  pool: z.string(),
  domain: z.string(),
  state: z.string(),
  draining: z.boolean(),
  labels: z.record(z.string(), z.string()),
  note: z.string(),
  holder: z.object({ reservation: z.string(), client: z.string(), until: z.string() }).nullable(),
})
export const Instances = z.object({ instances: z.array(Instance) })

export const Reservation = z.object({
  id: z.string(),
  pool: z.string(),
  state: z.enum(['waiting', 'held', 'ended']),
  client: z.string(),
  place: z.number().nullable(),
  estimated_wait_seconds: z.number().nullable(),
  expires_at: z.string().nullable(),
  ending: z.string().nullable(),
  instances: z.array(z.object({ id: z.string(), domain: z.string(), url: z.string(), token: z.string().nullable() })),
})
export type ReservationShape = z.output<typeof Reservation>

export const Queue = z.object({
  queue: z.array(
    z.object({
      id: z.string(),
      place: z.number(),
      client: z.string(),
      count: z.number(),
      priority: z.number(),
      since: z.string(),
      estimated_wait_seconds: z.number().nullable(),
    }),
  ),
})

export const History = z.object({
  events: z.array(
    z.object({
      at: z.string(),
      kind: z.string(),
      domain: z.string().nullable(),
      client: z.string().nullable(),
      actor: z.string(),
      reason: z.string(),
      lasted_seconds: z.number().nullable(),
    }),
  ),
})

export const Removed = z.object({ removed: z.boolean(), leaving: z.boolean() })
