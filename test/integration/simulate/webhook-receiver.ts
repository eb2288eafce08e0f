/** A local server that receives webhooks and keeps them, as an app would. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { verify } from '@octokit/webhooks-methods'

export interface ReceivedWebhook {
  readonly event: string
  readonly guid: string
  readonly genuine: boolean
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly payload: Record<string, unknown>
}

export interface WebhookReceiver {
  readonly url: string
  readonly received: ReceivedWebhook[]
  /** What is answered from now on. */
  readonly answerWith: (status: number) => void
  readonly close: () => Promise<void>
}

export async function startWebhookReceiver(secret: string): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = []
  let status = 202
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request)
    received.push({
      event: String(request.headers['x-github-event']),
      guid: String(request.headers['x-github-delivery']),
      genuine: await verify(secret, body, String(request.headers['x-hub-signature-256'])),
      headers: request.headers,
      payload: JSON.parse(body),
    })
    response.writeHead(status).end('noted')
  }
  const server = createServer((request, response) => void receive(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}/webhooks`,
    received,
    answerWith: (next) => {
      status = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
