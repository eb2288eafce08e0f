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
      if (!(error instanceof SlipwayError)) deps.logger.error({ err: errorMessage(error) }, 'a webhook could not be stored')
      const { status, code, message } =
        error instanceof SlipwayError ? error : { status: 500, code: 'internal' as ErrorCode, message: 'internal error' }
      answer(response, status, { error: { code, message } }, status === 413)
    }
  }
}

async function readDelivery(request: IncomingMessage, secrets: readonly Secret[]): Promise<NewDelivery> {
  if (request.method !== 'POST') throw new SlipwayError('request_invalid', 'webhooks are sent with POST')
  const mediaType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (mediaType !== 'application/json' && mediaType !== 'application/x-www-form-urlencoded') {
    throw new SlipwayError('media_type_unsupported', 'send application/json or application/x-www-form-urlencoded')
  }
  const body = await readBody(request)
  verifySignature(body, request.headers['x-hub-signature-256'], secrets)

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

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = (): SlipwayError => new SlipwayError('body_too_large', 'a webhook has at most 25 MB')
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_PAYLOAD_BYTES) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes: Buffer = chunk
    size += bytes.length
    if (size > LARGEST_PAYLOAD_BYTES) throw tooLarge()
    chunks.push(bytes)
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size)
}

/** Compares in constant time with every accepted secret; sha1 alone is not accepted. */
function verifySignature(body: Buffer, signature: string | string[] | undefined, secrets: readonly Secret[]): void {
  if (secrets.length === 0) throw new SlipwayError('shutting_down', 'no webhook secret is configured yet')
  const refuse = (): SlipwayError =>
    new SlipwayError('signature_invalid', 'the signature in X-Hub-Signature-256 is missing or does not fit the body')
  if (typeof signature !== 'string' || !signature.startsWith('sha256=')) throw refuse()
  const given = Buffer.from(signature.slice('sha256='.length), 'hex')
  const fits = secrets.map((secret) => {
    const expected = createHmac('sha256', reveal(secret)).update(body).digest()
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
  if (!fits.includes(true)) throw refuse()
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

function answer(response: ServerResponse, status: number, body: unknown, isLast = false): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    // What is left of an oversized body is not worth reading.
    ...(isLast ? { connection: 'close' } : {}),
  })
  response.end(text)
}
