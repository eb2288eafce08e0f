/**
 * Tells the app what happened, if it is installed there and asked for the event.
 *
 * GitHub sends some events to every app without a subscription: those about its installations, and those by which
 * people ask something of the app's own checks.
 */
import type { JsonObject } from '../json.ts'
import { asObject, child } from '../json.ts'
import { presentAccount, presentOrganization } from '../present/account.ts'
import { presentRepository } from '../present/repository.ts'
import { nodeId } from '../present/addresses.ts'
import { accountOf } from '../world/accounts.ts'
import type { Account, Installation } from '../world/identities.ts'
import { installationOf } from '../world/installations.ts'
import { recordProblem } from '../world/record-problem.ts'
import type { Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import { deliverWebhook } from './deliver-webhook.ts'

export interface WebhookEvent {
  readonly event: string
  readonly action?: string
  readonly sender: Account
  readonly repository?: Repository
  /** Found by the repository when absent. */
  readonly installation?: Installation
  readonly payload: JsonObject
}

const unasked = new Set(['installation', 'installation_repositories', 'github_app_authorization', 'ping'])
const unaskedActions = new Set([
  'check_run.rerequested',
  'check_run.requested_action',
  'check_suite.requested',
  'check_suite.rerequested',
])

/** The description's own list of what an app may subscribe to is older than some events, `merge_group` among them. */
const lagging = /\/app\/events\/\d+ /

export function emitWebhook(
  world: World,
  { event, action, sender, repository, installation, payload }: WebhookEvent,
): void {
  const target = installation ?? (repository === undefined ? undefined : installationOf(world, repository))
  if (target === undefined) return
  const asked = unasked.has(event) || unaskedActions.has(`${event}.${action ?? ''}`) || target.events.includes(event)
  // A suspended installation is told nothing but that it was suspended.
  if (!asked || (target.suspendedAt !== null && event !== 'installation')) return
  const owner = repository === undefined ? undefined : accountOf(world, repository.ownerId)
  const whole = completePayload(world, event, action ?? null, {
    action,
    ...payload,
    ...(repository === undefined
      ? {}
      : { repository: { ...presentRepository(world, repository), ...child(payload, 'repository') } }),
    ...(owner?.type === 'Organization' ? { organization: presentOrganization(world, owner) } : {}),
    installation: { id: target.id, node_id: nodeId('Installation', target.id), ...child(payload, 'installation') },
    sender: presentAccount(world, sender),
  })
  deliverWebhook(world, {
    event,
    action: action ?? null,
    installationId: target.id,
    repositoryId: repository?.id ?? null,
    body: JSON.stringify(whole),
  })
}

function completePayload(world: World, event: string, action: string | null, payload: JsonObject): JsonObject {
  const schema = world.schemas.webhook(event, action)
  if (schema === undefined) return payload
  const whole = world.schemas.complete(schema, payload)
  for (const violation of world.schemas.violations(schema, whole)) {
    if (!lagging.test(violation)) recordProblem(world, 'webhook-schema', `${event}.${action ?? ''}: ${violation}`)
  }
  return asObject(whole)
}
