/**
 * The door for `probot run`: Probot's own server received and verified a webhook, and here it goes into the database
 * like every other, so that what was answered is never lost and a repetition has no effect.
 */
import type { NewDelivery } from './ports.ts'
import { HANDLED_EVENTS } from './routes.ts'

export function deliveryFromProbot(event: {
  readonly id: string
  readonly name: string
  readonly payload: object
}): NewDelivery {
  const { id, name, payload } = event
  return {
    id,
    event: name,
    action: 'action' in payload && typeof payload.action === 'string' ? payload.action : null,
    installationId: idIn(payload, 'installation'),
    repositoryId: idIn(payload, 'repository'),
    payload: JSON.stringify(payload),
    isHandled: HANDLED_EVENTS.has(name),
  }
}

function idIn(payload: object, key: string): number | null {
  const part: unknown = Object.entries(payload).find(([name]) => name === key)?.[1]
  return typeof part === 'object' && part !== null && 'id' in part && typeof part.id === 'number' ? part.id : null
}
