/**
 * Sends messages about deployments to Slack and to generic webhooks, from the outbox: each once, in order, retried when
 * the other side is away. An address is the admin's, yet it is looked up at each sending and refused when it leads to
 * this machine's own networks, so that nobody can use it to reach what only this server reaches.
 */
import { createHmac } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { errorMessage } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { reveal, type Secret } from '../core/secret.ts'
import type { MessageChannel, MessageStore, PendingMessage } from './notify-ports.ts'

export interface NotifierOptions {
  readonly store: MessageStore
  /** Null: nobody is told in Slack. */
  readonly slackUrl: Secret | null
  readonly webhooks: readonly { readonly url: Secret; readonly secret: Secret | null }[]
  readonly detailsUrl: (runId: string) => string
  readonly logger: Logger
  /** Tests speak to this machine. */
  readonly allowsPrivate?: boolean
}

export interface Notifier {
  /** Sends what is due; `wait` until the next one is. */
  sendAll(): Promise<
    { readonly kind: 'done' } | { readonly kind: 'wait'; readonly delayMs: number; readonly cause: string }
  >
}

export const NOTIFY_CHORE_MS = 60_000
const SEND_TIMEOUT_MS = 10_000
const FIRST_RETRY_MS = 5_000
const LONGEST_RETRY_MS = 30 * 60_000
/** With doubling pauses about a day. */
const MAX_FAILURES = 50

export function createNotifier(options: NotifierOptions): Notifier {
  const { store } = options
  const channels: readonly MessageChannel[] = ['slack', 'webhook']
  return {
    async sendAll() {
      for (let message = await store.next(channels); message !== null; message = await store.next(channels))
        await sendOne(options, message)
      const wait = await store.untilNext(channels)
      return wait === null
        ? { kind: 'done' }
        : { kind: 'wait', delayMs: Math.ceil(wait), cause: 'a message is tried again later' }
    },
  }
}

async function sendOne(options: NotifierOptions, message: PendingMessage): Promise<void> {
  const { store, logger } = options
  try {
    for (const { url, init } of requestsFor(options, message)) await post(url, init, options.allowsPrivate === true)
    await store.markSent(message.id)
  } catch (error) {
    // The address itself may be a secret and is never part of the message.
    const cause = errorMessage(error)
    logger.warn({ channel: message.channel, err: cause }, 'a message could not be sent')
    if (message.failures + 1 >= MAX_FAILURES) await store.giveUp(message.id, cause)
    else
      await store.markFailed(
        message.id,
        cause,
        Math.min(FIRST_RETRY_MS * 2 ** Math.min(message.failures, 20), LONGEST_RETRY_MS),
      )
  }
}

interface OutgoingRequest {
  readonly url: string
  readonly init: { readonly body: string; readonly headers: Readonly<Record<string, string>> }
}

/** A channel that nobody configured has nothing to send, and the message is done. */
function requestsFor(
  { slackUrl, webhooks, detailsUrl }: NotifierOptions,
  { id, channel, body }: PendingMessage,
): readonly OutgoingRequest[] {
  const details = typeof body['runId'] === 'string' ? detailsUrl(body['runId']) : null
  if (channel === 'slack') {
    const text = `${slackText(String(body['text'] ?? ''))}${details === null ? '' : ` <${details}|details>`}`
    return slackUrl === null ? [] : [{ url: reveal(slackUrl), init: json({ text }, {}) }]
  }
  const payload = { ...body, details_url: details }
  return webhooks.map(({ url, secret }) => ({
    url: reveal(url),
    init: json(payload, { 'x-slipway-delivery': id, ...signature(payload, secret) }),
  }))
}

/** Three characters are markup in Slack's messages; a commit's words must not make links or mentions. */
export function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function json(payload: unknown, headers: Readonly<Record<string, string>>) {
  return {
    body: JSON.stringify(payload),
    headers: { 'content-type': 'application/json', 'user-agent': 'slipway', ...headers },
  }
}

function signature(payload: unknown, secret: Secret | null): Readonly<Record<string, string>> {
  if (secret === null) return {}
  return {
    'x-slipway-signature-256': `sha256=${createHmac('sha256', reveal(secret)).update(JSON.stringify(payload)).digest('hex')}`,
  }
}

async function post(address: string, init: OutgoingRequest['init'], allowsPrivate: boolean): Promise<void> {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new Error('the address is no http or https address')
  if (!allowsPrivate) await refusePrivate(url.hostname)
  // A redirect could lead where the address itself may not.
  const answer = await fetch(url, {
    method: 'POST',
    ...init,
    redirect: 'error',
    signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
  })
  await answer.body?.cancel()
  if (!answer.ok) throw new Error(`the other side answered ${answer.status}`)
}

const PRIVATE = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
  ['64:ff9b::', 96],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv6')

export function isPrivateAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  const plain = mapped ?? address
  return PRIVATE.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}

async function refusePrivate(hostname: string): Promise<void> {
  const addresses = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true })
  if (addresses.some(({ address }) => isPrivateAddress(address)))
    throw new Error('the address leads into a private network')
}
