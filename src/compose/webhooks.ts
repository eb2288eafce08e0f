/** Webhooks in: our own ingest in front, Probot behind it for what was stored, smee where GitHub cannot reach us. */
import type { Probot } from 'probot'
import { createIngest, type Ingest } from '../app/ingest.ts'
import { deliveryHandler, registerRoutes, type HandleEvent } from '../app/dispatch.ts'
import type { DeliveryStore } from '../app/ports.ts'
import type { Secret } from '../core/secret.ts'
import { reveal } from '../core/secret.ts'
import type { JobHandler } from '../queue/ports.ts'
import { apiUrlOf } from './github-credentials.ts'
import type { Foundation } from './foundation.ts'

export interface Webhooks {
  readonly ingest: Ingest
  readonly handler: JobHandler
  /** New secrets count from the next webhook on. */
  setStoredSecret(secret: Secret | null): void
  hasSecret(): boolean
}

export function createWebhooks(
  base: Foundation,
  deliveries: DeliveryStore,
  storedSecret: Secret | null,
  handle: HandleEvent,
): Webhooks {
  const { settings, logger, metrics } = base
  let stored = storedSecret
  const secrets = (): readonly Secret[] =>
    [settings.webhookSecret ?? stored, settings.webhookSecretPrevious].filter((secret) => secret !== null)

  // Probot takes a while to load, and a process that never hears a webhook does not need it.
  let loading: Promise<Probot> | null = null
  const probot = (): Promise<Probot> => (loading ??= loadProbot(base, secrets, handle))

  return {
    ingest: createIngest({
      deliveries,
      secrets,
      logger,
      onAccepted: (event, isNew) => metrics.count('slipway_webhooks_total', { event, repeated: String(!isNew) }),
    }),
    handler: deliveryHandler(
      deliveries,
      async (event) => {
        const receiver = await probot()
        // The name was checked against the table of routes before it was stored.
        await receiver.receive(event as Parameters<Probot['receive']>[0])
      },
      logger,
    ),
    setStoredSecret(secret) {
      stored = secret
    },
    hasSecret: () => secrets().length > 0,
  }
}

async function loadProbot(base: Foundation, secrets: () => readonly Secret[], handle: HandleEvent): Promise<Probot> {
  const { Probot: ProbotClass } = await import('probot')
  const [secret] = secrets()
  const app = new ProbotClass({
    // Handlers talk to GitHub through our own client; Probot only dispatches, so any well-formed identity will do.
    githubToken: 'unused',
    ...(secret === undefined ? {} : { secret: reveal(secret) }),
    baseUrl: apiUrlOf(base.settings),
    logLevel: 'fatal',
  })
  await app.load((loaded) => registerRoutes(loaded, () => base.github.appId(), handle))
  return app
}
