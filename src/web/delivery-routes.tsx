/** The routes of deliveries. Payloads hold whatever people wrote on GitHub, so they are for admins. */
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { SlipwayEvent } from '../core/events.ts'
import type { Logger } from '../core/logger.ts'
import type { RepositoryStore } from '../flow/ports.ts'
import type { Rehearsal } from '../flow/rehearse-event.ts'
import { DeliveriesPage, DeliveryPage, type Replay } from './delivery-pages.tsx'
import { createPageRouter, type Guard } from './guard.ts'
import type { DeliveryBook, DeliveryRecord } from './ports.ts'
import type { Repositories } from './run-list.tsx'
import { sessionOf } from './session.ts'

const PAGE = 100

export interface DeliveryRouteDeps {
  readonly guard: Guard
  readonly deliveries: DeliveryBook
  readonly repositories: Pick<RepositoryStore, 'get'>
  /** What the webhook's payload means; null when it means nothing to us. Throws when it is not understood. */
  readonly readEvent: (event: string, payload: unknown) => SlipwayEvent | null
  readonly rehearse: (event: SlipwayEvent) => Promise<Rehearsal>
  readonly logger: Logger
}

export function createDeliveryRoutes(deps: DeliveryRouteDeps) {
  const { guard } = deps
  const routes = createPageRouter(deps.logger)

  routes.get('/deliveries', guard.admin, async (context) => {
    const before = new Date(context.req.query('before') ?? Number.NaN)
    const deliveries = await deps.deliveries.list({
      limit: PAGE,
      ...(Number.isNaN(before.getTime()) ? {} : { before }),
    })
    const last = deliveries.length < PAGE ? undefined : deliveries.at(-1)
    const older = last === undefined ? null : `/deliveries?before=${encodeURIComponent(last.receivedAt.toISOString())}`
    const repositories = await namesOf(deliveries)
    return await context.html(
      <DeliveriesPage view={{ session: sessionOf(context), deliveries, repositories, older }} />,
    )
  })

  routes.get('/deliveries/:id', guard.admin, async (context) => {
    const delivery = await find(context.req.param('id'))
    const view = { session: sessionOf(context), delivery, repositories: await namesOf([delivery]), replay: null }
    return await context.html(<DeliveryPage view={view} />)
  })

  routes.post('/deliveries/:id/replay', guard.admin, async (context) => {
    const delivery = await find(context.req.param('id'))
    const replay = await replayOf(delivery)
    const view = { session: sessionOf(context), delivery, repositories: await namesOf([delivery]), replay }
    return await context.html(<DeliveryPage view={view} />)
  })
  return routes

  async function find(id: string) {
    const delivery = await deps.deliveries.get(id)
    if (delivery === null) throw new SlipwayError('not_found', 'there is no such delivery')
    return delivery
  }

  async function replayOf(delivery: DeliveryRecord & { readonly payload: string }): Promise<Replay> {
    try {
      const event = deps.readEvent(delivery.event, JSON.parse(delivery.payload))
      if (event === null) return { kind: 'no_event' }
      return { kind: 'planned', event, rehearsal: await deps.rehearse(event) }
    } catch (error) {
      return { kind: 'failed', cause: errorMessage(error) }
    }
  }

  async function namesOf(deliveries: readonly DeliveryRecord[]): Promise<Repositories> {
    const ids = [...new Set(deliveries.flatMap(({ repositoryId }) => repositoryId ?? []))]
    const found = await Promise.all(ids.map((id) => deps.repositories.get(id)))
    return new Map(found.flatMap((repository) => (repository === null ? [] : [[repository.id, repository]])))
  }
}
