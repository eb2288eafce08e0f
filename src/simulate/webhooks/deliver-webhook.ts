/**
 * Sends one webhook and keeps what came of it, as `GET /app/hook/deliveries` shows it.
 *
 * As on GitHub nothing is repeated by itself: a failed delivery stays failed until somebody asks for another attempt,
 * which keeps the GUID. Deliveries run side by side, so a receiver sees them in any order.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebhookFault } from '../world/faults.ts'
import { takeWebhookFault } from '../world/faults.ts'
import type { Delivery, World } from '../world/world.ts'
import { signWebhook } from './sign-webhook.ts'

export interface OutgoingWebhook {
  readonly event: string
  readonly action: string | null
  readonly installationId: number | null
  readonly repositoryId: number | null
  readonly body: string
}

/** GitHub ends a delivery that was not answered by then. Milliseconds. */
const deliveryTimeout = 10_000
/** Of a receiver's answer this much is kept to be looked at. Characters. */
const keptAnswer = 10_000

export function deliverWebhook(world: World, webhook: OutgoingWebhook): void {
  if (world.app.webhookUrl === undefined) return
  const fault = takeWebhookFault(world.webhookFaults, webhook.event, webhook.action)
  const guid = randomUUID()
  if (fault?.kind === 'drop') return
  if (fault?.kind === 'hold') {
    world.heldDeliveries.push({
      event: webhook.event,
      send: () => attempt(world, webhook, guid, { redelivery: false }),
    })
    return
  }
  attempt(world, webhook, guid, { redelivery: false, fault })
  if (fault?.kind === 'duplicate') attempt(world, webhook, guid, { redelivery: false })
}

/** Another attempt under the same GUID. */
export function redeliverWebhook(world: World, delivery: Delivery): void {
  attempt(world, delivery, delivery.guid, { redelivery: true })
}

function attempt(
  world: World,
  webhook: OutgoingWebhook,
  guid: string,
  how: { redelivery: boolean; fault?: WebhookFault | undefined },
): void {
  const { app } = world
  const url = app.webhookUrl ?? ''
  const secret = how.fault?.kind === 'bad_signature' ? `not ${app.webhookSecret}` : app.webhookSecret
  const delivery: Delivery = {
    ...webhook,
    id: world.nextId(),
    guid,
    deliveredAt: world.now().toISOString(),
    redelivery: how.redelivery,
    duration: 0,
    status: 'Pending',
    statusCode: 0,
    url,
    requestHeaders: signWebhook(
      { guid, event: webhook.event, hookId: app.hookId, appId: app.id, secret },
      webhook.body,
    ),
    responseHeaders: {},
    responseBody: '',
  }
  world.deliveries.push(delivery)
  const sending = send(world, delivery, how.fault).finally(() => world.sending.delete(sending))
  world.sending.add(sending)
}

async function send(world: World, delivery: Delivery, fault: WebhookFault | undefined): Promise<void> {
  const { signal } = world.closing
  if (fault?.kind === 'lose') {
    delivery.status = 'Failed to connect to host'
    return
  }
  const started = performance.now()
  try {
    if (fault?.kind === 'delay') await sleep(fault.milliseconds, undefined, { signal })
    const answer = await fetch(delivery.url, {
      method: 'POST',
      headers: delivery.requestHeaders,
      body: delivery.body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(deliveryTimeout)]),
    })
    delivery.responseBody = (await answer.text()).slice(0, keptAnswer)
    delivery.responseHeaders = Object.fromEntries(answer.headers)
    delivery.statusCode = answer.status
    delivery.status = answer.ok ? 'OK' : `Invalid HTTP Response: ${answer.status}`
  } catch (error) {
    delivery.status =
      error instanceof Error && error.name === 'TimeoutError' ? 'timed out' : 'Failed to connect to host'
  } finally {
    delivery.duration = Math.round(performance.now() - started) / 1_000
  }
}
