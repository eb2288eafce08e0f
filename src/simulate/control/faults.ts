/** Bad luck by order. */
import type { JsonObject } from '../json.ts'
import { text, whole } from '../json.ts'
import { refuse } from '../rest/answer.ts'
import type { RestFault, WebhookFault } from '../world/faults.ts'
import type { ControlRoute } from './control-route.ts'

const webhookKinds: readonly WebhookFault['kind'][] = ['lose', 'drop', 'duplicate', 'delay', 'hold', 'bad_signature']
const restKinds: readonly RestFault['kind'][] = ['status', 'secondary', 'primary', 'delay', 'reset', 'lost_answer']

export const faultRoutes: readonly ControlRoute[] = [
  {
    method: 'POST',
    path: '/faults/webhooks',
    answer: ({ world, body }) => {
      world.webhookFaults.push({
        kind: readKind(body, webhookKinds),
        event: text(body, 'event'),
        action: text(body, 'action'),
        milliseconds: whole(body, 'milliseconds') ?? 0,
        remaining: whole(body, 'times') ?? 1,
      })
      return {}
    },
  },
  {
    method: 'POST',
    path: '/faults/rest',
    answer: ({ world, body }) => {
      const path = text(body, 'path')
      world.restFaults.push({
        kind: readKind(body, restKinds),
        operation: text(body, 'operation'),
        method: text(body, 'method'),
        path: path === undefined ? undefined : new RegExp(path),
        status: whole(body, 'status') ?? 500,
        retryAfter: whole(body, 'retryAfter'),
        milliseconds: whole(body, 'milliseconds') ?? 0,
        remaining: whole(body, 'times') ?? 1,
      })
      return {}
    },
  },
  {
    method: 'DELETE',
    path: '/faults',
    answer: ({ world }) => {
      world.webhookFaults.length = 0
      world.restFaults.length = 0
      return {}
    },
  },
  {
    method: 'POST',
    path: '/held',
    answer: ({ world, body }) => {
      const held = world.heldDeliveries.splice(0)
      if (text(body, 'order') === 'last') held.reverse()
      for (const { send } of held) send()
      return { released: held.map(({ event }) => event) }
    },
  },
  {
    method: 'POST',
    path: '/tokens/expire',
    answer: ({ world }) => {
      for (const token of world.tokens.values()) token.revoked = true
      return {}
    },
  },
  {
    method: 'PUT',
    path: '/rate',
    answer: ({ world, body }) => {
      world.rate.limit = whole(body, 'limit') ?? world.rate.limit
      world.rate.used.clear()
      return {}
    },
  },
]

function readKind<K extends string>(body: JsonObject, kinds: readonly K[]): K {
  const kind = kinds.find((candidate) => candidate === text(body, 'kind'))
  if (kind === undefined) throw refuse(400, `"kind" must be one of ${kinds.join(', ')}`)
  return kind
}
