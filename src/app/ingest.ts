/**
 * Takes a webhook off the wire: verify, store, 202, and nothing else. It stands in front of Probot's own middleware
 * because that one answers after the work, knows one secret, has no size limit and no memory of delivery ids.
 * What the signature covers are the raw bytes, so they are read here and parsed afterwards.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorMessage, SlipwayError, type ErrorCode } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { reveal, type Secret } from '../core/secret.ts'
import type { DeliveryStore, NewDelivery } from './ports.ts'
import { HANDLED_EVENTS } from './routes.ts'

/** GitHub's own cap on a payload. */
export const LARGEST_PAYLOAD_BYTES = 25 * 1024 * 1024
/** What a refused client may still send before it is cut off. */
const LARGEST_DRAIN_BYTES = 4 * LARGEST_PAYLOAD_BYTES
const LONGEST_DRAIN_MS = 20_000
/** GitHub's ids are GUIDs of 36 characters; more than this is nobody we know. */
const LONGEST_DELIVERY_ID = 128

export interface IngestDeps {
  readonly deliveries: Pick<DeliveryStore, 'store'>
  /** The current secret and, while it is rotated, the previous one; asked for each time, they may change. */
  readonly secrets: () => readonly Secret[]
  readonly logger: Logger
  readonly onAccepted: (event: string, isNew: boolean) => void
}

export type Ingest = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function createIngest(deps: IngestDeps): Ingest {
  return async (request, response) => {
    try {
      const delivery = await readDelivery(request, deps.secrets())
      const isNew = await deps.deliveries.store(delivery)
      deps.onAccepted(delivery.event, isNew)
      answer(response, 202, { id: delivery.id, accepted: isNew })
    } catch (error) {
      // Whoever hung up is not there for an answer.
      if (request.destroyed && !request.complete) return
      if (!(error instanceof SlipwayError))
        deps.logger.error({ err: errorMessage(error) }, 'a webhook could not be stored')
      const { status, code, message } =
        error instanceof SlipwayError
          ? error
          : { status: 500, code: 'internal' as ErrorCode, message: 'internal error' }
      answer(response, status, { error: { code, message } })
      if (!request.complete) drain(request)
    }
  }
}

async function readDelivery(request: IncomingMessage, secrets: readonly Secret[]): Promise<NewDelivery> {
  if (request.method !== 'POST') throw new SlipwayError('request_invalid', 'webhooks are sent with POST')
  const mediaType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (mediaType !== 'application/json' && mediaType !== 'application/x-www-form-urlencoded') {
    throw new SlipwayError('media_type_unsupported', 'send application/json or application/x-www-form-urlencoded')
  }
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity')
    throw new SlipwayError('media_type_unsupported', `send the body as it is, without the encoding ${encoding}`)
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_PAYLOAD_BYTES) throw tooLarge()
  // Before the body is read, so that strangers cannot fill the memory.
  const signature = signatureOf(request.headers['x-hub-signature-256'])
  const body = await readBody(request)
  verifySignature(body, signature, secrets)

  const event = header(request, 'x-github-event')
  const id = header(request, 'x-github-delivery')
  const payload = mediaType === 'application/json' ? body.toString('utf8') : formPayload(body)
  const parsed = parseObject(payload)
  return {
    id,
    event,
    action: typeof parsed['action'] === 'string' ? parsed['action'] : null,
    installationId: idOf(parsed['installation']),
    repositoryId: idOf(parsed['repository']),
    payload,
    isHandled: HANDLED_EVENTS.has(event),
  }
}

/** By listening: iterating would destroy the connection, and with it the way for the answer, as soon as it is too much. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size <= LARGEST_PAYLOAD_BYTES) return void chunks.push(chunk)
      request.off('data', onData)
      reject(tooLarge())
    }
    request.on('data', onData)
    request.once('end', () => resolve(Buffer.concat(chunks, Math.min(size, LARGEST_PAYLOAD_BYTES))))
    request.once('error', reject)
    request.once('close', () => reject(new SlipwayError('body_not_json', 'the body ended before its end')))
  })
}

function tooLarge(): SlipwayError {
  return new SlipwayError('body_too_large', 'a webhook has at most 25 MB')
}

/**
 * Reads on for a while without keeping anything: a client that is still sending sees a reset instead of our answer when
 * the connection is closed under it.
 */
function drain(request: IncomingMessage): void {
  let size = 0
  const end = (): void => void request.socket.destroy()
  const timer = setTimeout(end, LONGEST_DRAIN_MS)
  request.on('error', () => undefined)
  request.once('close', () => clearTimeout(timer))
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > LARGEST_DRAIN_BYTES) end()
  })
  request.resume()
}

/** The bytes of a sha256 signature; sha1 alone is not accepted. */
function signatureOf(header: string | string[] | undefined): Buffer {
  const hex = typeof header === 'string' ? /^sha256=([0-9a-f]{64})$/i.exec(header)?.[1] : undefined
  if (hex === undefined) throw wrongSignature()
  return Buffer.from(hex, 'hex')
}

/** Compares in constant time with every accepted secret. */
function verifySignature(body: Buffer, given: Buffer, secrets: readonly Secret[]): void {
  if (secrets.length === 0) throw new SlipwayError('shutting_down', 'no webhook secret is configured yet')
  const fits = secrets.map((secret) => {
    const expected = createHmac('sha256', reveal(secret)).update(body).digest()
    return timingSafeEqual(given, expected)
  })
  if (!fits.includes(true)) throw wrongSignature()
}

function wrongSignature(): SlipwayError {
  return new SlipwayError(
    'signature_invalid',
    'the signature in X-Hub-Signature-256 is missing or does not fit the body',
  )
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_DELIVERY_ID) {
    throw new SlipwayError('body_not_json', `the header ${name} is missing or malformed`, { field: name })
  }
  return value
}

function formPayload(body: Buffer): string {
  const payload = new URLSearchParams(body.toString('utf8')).get('payload')
  if (payload === null) throw new SlipwayError('body_not_json', 'the form has no field "payload"', { field: 'payload' })
  return payload
}

function parseObject(text: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new SlipwayError('body_not_json', 'the payload is not JSON', { cause })
  }
  if (!isRecord(parsed)) throw new SlipwayError('body_not_json', 'the payload is not a JSON object')
  return parsed
}

function idOf(value: unknown): number | null {
  return isRecord(value) && typeof value['id'] === 'number' && Number.isSafeInteger(value['id']) ? value['id'] : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
