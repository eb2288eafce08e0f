/** The log of webhook deliveries, paged by cursor, newest first; and asking for another attempt. */
import type { JsonObject } from '../../json.ts'
import { asObject, parseJson } from '../../json.ts'
import type { Delivery } from '../../world/world.ts'
import { redeliverWebhook } from '../../webhooks/deliver-webhook.ts'
import type { Answer } from '../answer.ts'
import { notFound, ok } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathNumber } from '../call.ts'

const defaultPageSize = 30
const maxPageSize = 100

export const deliveryOperations = {
  'apps/list-webhook-deliveries': (call) => listDeliveries(call),
  'apps/get-webhook-delivery': (call) => {
    const delivery = theDelivery(call)
    return ok({
      ...presentDelivery(delivery),
      url: delivery.url,
      request: { headers: delivery.requestHeaders, payload: asObject(parseJson(delivery.body)) },
      response: { headers: delivery.responseHeaders, payload: delivery.responseBody },
    })
  },
  'apps/redeliver-webhook-delivery': (call) => {
    redeliverWebhook(call.world, theDelivery(call))
    return ok({}, 202)
  },
} satisfies Record<string, Handler>

/** The cursor is the id of the last delivery seen: newer ones that arrive meanwhile do not shift the pages. */
function listDeliveries(call: Call): Answer {
  const { world, query, url } = call
  const size = Math.min(Math.max(Number(query['per_page'] ?? defaultPageSize) || defaultPageSize, 1), maxPageSize)
  const before = Number(query['cursor'] ?? Number.MAX_SAFE_INTEGER) || Number.MAX_SAFE_INTEGER
  const wanted = world.deliveries
    .filter(({ id, statusCode, status }) => {
      if (id >= before || status === 'Pending') return false
      const succeeded = statusCode >= 200 && statusCode < 400
      return query['status'] === undefined || (query['status'] === 'success') === succeeded
    })
    .toReversed()
  const items = wanted.slice(0, size)
  const last = items.at(-1)
  const next = new URL(url)
  next.searchParams.set('cursor', String(last?.id ?? 0))
  return {
    status: 200,
    body: items.map(presentDelivery),
    ...(wanted.length > size ? { headers: { link: `<${next.href}>; rel="next"` } } : {}),
  }
}

function presentDelivery(delivery: Delivery): JsonObject {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.redelivery,
    duration: delivery.duration,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  }
}

function theDelivery(call: Call): Delivery {
  const id = pathNumber(call, 'delivery_id')
  const delivery = call.world.deliveries.find((candidate) => candidate.id === id)
  if (delivery === undefined) throw notFound()
  return delivery
}
