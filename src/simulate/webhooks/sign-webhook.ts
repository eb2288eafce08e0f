/** The headers GitHub sends with a webhook, both signatures included. */
import { createHmac } from 'node:crypto'

export interface WebhookHead {
  readonly guid: string
  readonly event: string
  readonly hookId: number
  readonly appId: number
  readonly secret: string
}

export function signWebhook(head: WebhookHead, body: string): Record<string, string> {
  const digest = (algorithm: string): string => createHmac(algorithm, head.secret).update(body).digest('hex')
  return {
    accept: '*/*',
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/simulated',
    'x-github-delivery': head.guid,
    'x-github-event': head.event,
    'x-github-hook-id': String(head.hookId),
    'x-github-hook-installation-target-id': String(head.appId),
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature': `sha1=${digest('sha1')}`,
    'x-hub-signature-256': `sha256=${digest('sha256')}`,
  }
}
