/**
 * Hands stored deliveries to Probot, and Probot hands them to the table of routes. The webhook's own code path is the
 * same under `probot run`, where Probot receives the request itself and this file only sees the app function.
 */
import type { Probot } from 'probot'
import { z } from 'zod'
import type { SlipwayEvent } from '../core/events.ts'
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { DONE, type JobHandler } from '../queue/ports.ts'
import type { DeliveryStore } from './ports.ts'
import { ROUTES, type HandledEvent } from './routes.ts'

/** What happens with one event; implemented by `flow/`. */
export type HandleEvent = (event: SlipwayEvent) => Promise<void>

/** Registers one handler per route. The same function serves our own Probot and a plain `probot run`. */
export function registerRoutes(app: Probot, appId: () => number | null, handle: HandleEvent): void {
  for (const name of Object.keys(ROUTES)) {
    if (!isHandledEvent(name)) continue
    // Probot's types tie each name to its payload; our own parsers read the payload, so the name is all that is needed.
    app.on(name, async (context) => {
      const event = ROUTES[name](context.payload, appId())
      if (event !== null) await handle(event)
    })
  }
}

const payloadOfJob = z.object({ deliveryId: z.string() })

/** Job kind `delivery`: Probot handles what was stored. The delivery's row says how that went. */
export function deliveryHandler(
  deliveries: DeliveryStore,
  receive: (event: { id: string; name: string; payload: unknown }) => Promise<void>,
  logger: Logger,
): JobHandler {
  return {
    async handle(job) {
      const { deliveryId } = payloadOfJob.parse(job.payload)
      const delivery = await deliveries.get(deliveryId)
      if (delivery === null || delivery.state !== 'received') return DONE
      try {
        await receive({ id: delivery.id, name: delivery.event, payload: JSON.parse(delivery.payload) })
      } catch (error) {
        const reason = rootCause(error)
        if (!(reason instanceof z.ZodError)) throw reason
        const [issue] = reason.issues
        const note = `the payload was not understood: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`
        logger.warn({ deliveryId, event: delivery.event, note }, 'a delivery was not understood')
        await deliveries.settle(deliveryId, 'failed', note)
        return DONE
      }
      await deliveries.settle(deliveryId, 'handled', null)
      return DONE
    },
    async onParked(payload, cause) {
      const parsed = payloadOfJob.safeParse(payload)
      if (parsed.success) await deliveries.settle(parsed.data.deliveryId, 'failed', cause)
    },
  }
}

/** Probot gathers what handlers throw in an AggregateError; ours has exactly one handler per event. */
function rootCause(error: unknown): unknown {
  if (error instanceof AggregateError) return rootCause(error.errors[0])
  if (error instanceof Error && error.cause instanceof z.ZodError) return error.cause
  return error instanceof Error ? error : new Error(errorMessage(error))
}

function isHandledEvent(name: string): name is HandledEvent {
  return Object.hasOwn(ROUTES, name)
}
