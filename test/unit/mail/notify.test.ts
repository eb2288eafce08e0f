import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { secretOf } from '../../../src/core/secret.ts'
import type { MessageStore, PendingMessage } from '../../../src/mail/notify-ports.ts'
import { createNotifier, isPrivateAddress, slackText } from '../../../src/mail/notify.ts'

let server: Server
let url: string
const received: { body: string; headers: NodeJS.Dict<string | string[]> }[] = []
let status = 200

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      received.push({ body, headers: request.headers })
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
})
afterAll(() => server.close())

/** One message, and what became of it. */
function oneMessage(message: PendingMessage) {
  const fate: { state: string; cause: string | null } = { state: 'waiting', cause: null }
  const store: MessageStore = {
    next: () => Promise.resolve(fate.state === 'waiting' ? message : null),
    untilNext: () => Promise.resolve(fate.state === 'failed' ? 5_000 : null),
    markSent: () => Promise.resolve(void (fate.state = 'sent')),
    markFailed: (_id, cause) => Promise.resolve(void Object.assign(fate, { state: 'failed', cause })),
    giveUp: (_id, cause) => Promise.resolve(void Object.assign(fate, { state: 'given up', cause })),
  }
  return { store, fate }
}

const options = {
  slackUrl: null,
  webhooks: [],
  detailsUrl: (runId: string) => `https://slipway.test/runs/${runId}`,
  logger: silentLogger,
  allowsPrivate: true,
}
const body = { text: 'www: <rolled> back & safe', runId: 'r1' }

describe('messages', () => {
  test('reach Slack as plain words with a link', async () => {
    const { store, fate } = oneMessage({ id: '1', channel: 'slack', body, failures: 0 })
    await createNotifier({ ...options, store, slackUrl: secretOf(url) }).sendAll()
    expect(fate.state).toBe('sent')
    expect(JSON.parse(received.at(-1)?.body ?? '')).toEqual({
      text: 'www: &lt;rolled&gt; back &amp; safe <https://slipway.test/runs/r1|details>',
    })
  })

  test('reach a webhook signed', async () => {
    const { store } = oneMessage({ id: '2', channel: 'webhook', body, failures: 0 })
    await createNotifier({ ...options, store, webhooks: [{ url: secretOf(url), secret: secretOf('key') }] }).sendAll()
    expect(received.at(-1)?.headers['x-slipway-signature-256']).toMatch(/^sha256=[0-9a-f]{64}$/)
  })

  test.each([
    [500, 'the other side answered 500'],
    [302, 'fetch failed'],
  ])('wait after an answer of %i, and no redirect is followed', async (answer, cause) => {
    status = answer
    const { store, fate } = oneMessage({ id: '3', channel: 'slack', body, failures: 0 })
    expect(await createNotifier({ ...options, store, slackUrl: secretOf(url) }).sendAll()).toMatchObject({
      kind: 'wait',
    })
    expect(fate).toEqual({ state: 'failed', cause })
    status = 200
  })

  test('never go into a private network', async () => {
    const { store, fate } = oneMessage({ id: '4', channel: 'slack', body, failures: 0 })
    const count = received.length
    await createNotifier({ ...options, allowsPrivate: false, store, slackUrl: secretOf(url) }).sendAll()
    expect(fate.cause).toContain('private network')
    expect(received.length).toBe(count)
  })

  test('are dropped quietly where nobody configured the channel', async () => {
    const { store, fate } = oneMessage({ id: '5', channel: 'slack', body, failures: 0 })
    await createNotifier({ ...options, store }).sendAll()
    expect(fate.state).toBe('sent')
  })
})

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '192.168.1.1',
  '::1',
  'fe80::1',
  'fd00::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0.0.0.0',
])('%s is private', (address) => {
  expect(isPrivateAddress(address)).toBe(true)
})
test.each(['8.8.8.8', '2606:4700::1111'])('%s is not', (address) => expect(isPrivateAddress(address)).toBe(false))
test('Slack markup is only text', () =>
  expect(slackText('<!channel> & <@U1>')).toBe('&lt;!channel&gt; &amp; &lt;@U1&gt;'))
