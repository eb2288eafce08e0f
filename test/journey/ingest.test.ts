/** The door for webhooks, from outside: what is let in, what is refused with which status, and that 2xx means stored. */
import { createHmac, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { openDatabaseLine, type DatabaseLine } from '../support/database-line.ts'
import { startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const PREVIOUS = 'the-secret-before'
const PING = { zen: 'Approachable is better than simple.', hook_id: 1 }
const MEGABYTE = 1024 * 1024

let database: TestDatabase
let line: DatabaseLine
let slipway: SlipwayUnderTest
let db: pg.Client
beforeAll(async () => {
  database = await createTestDatabase()
  line = await openDatabaseLine(database.url)
  slipway = await startSlipway({ env: { DATABASE_URL: line.url, WEBHOOK_SECRET_PREVIOUS: PREVIOUS } })
  db = new pg.Client({ connectionString: database.url })
  await db.connect()
})
afterAll(async () => {
  line.proxy.heal()
  await slipway.close()
  await line.proxy.stop()
  await db.end()
  await database.drop()
})

interface Webhook {
  readonly body?: string | Buffer
  readonly secret?: string
  readonly algorithm?: 'sha256' | 'sha1'
  readonly id?: string
  readonly event?: string
  /** `null` leaves a header out. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly method?: string
}

async function send(webhook: Webhook = {}): Promise<{ status: number; text: string; id: string }> {
  const {
    body = JSON.stringify(PING),
    secret = slipway.simulated.webhookSecret,
    algorithm = 'sha256',
    id = randomUUID(),
  } = webhook
  const signature = `${algorithm}=${createHmac(algorithm, secret).update(body).digest('hex')}`
  const headers = Object.entries({
    'content-type': 'application/json',
    'x-github-event': webhook.event ?? 'ping',
    'x-github-delivery': id,
    [algorithm === 'sha256' ? 'x-hub-signature-256' : 'x-hub-signature']: signature,
    ...webhook.headers,
  }).flatMap(([name, value]): [string, string][] => (value === null ? [] : [[name, value]]))
  const method = webhook.method ?? 'POST'
  const answer = await fetch(`${slipway.url}/api/github/webhooks`, {
    method,
    headers: Object.fromEntries(headers),
    ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  })
  return { status: answer.status, text: await answer.text(), id }
}

async function stored(id: string): Promise<{ state: string; event: string; payload: string } | undefined> {
  return (await db.query('select state, event, payload from deliveries where id = $1', [id])).rows[0]
}

describe('a webhook is accepted', () => {
  it('with 202 and stored before the answer', async () => {
    const { status, id } = await send()
    expect(status).toBe(202)
    expect(await stored(id)).toMatchObject({ event: 'ping' })
  })

  it('when the previous secret signed it', async () => {
    expect((await send({ secret: PREVIOUS })).status).toBe(202)
  })

  it('as a form with the field "payload"', async () => {
    const body = new URLSearchParams({ payload: JSON.stringify({ ...PING, text: 'Zürich & ☃' }) }).toString()
    const { status, id } = await send({ body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    expect(status).toBe(202)
    expect(JSON.parse((await stored(id))?.payload ?? '')).toEqual({ ...PING, text: 'Zürich & ☃' })
  })

  it('of an event that nobody handles, as ignored', async () => {
    const { status, id } = await send({ event: 'star' })
    expect(status).toBe(202)
    expect(await stored(id)).toMatchObject({ state: 'ignored' })
  })

  it('twice under one id, without effect the second time', async () => {
    const first = await send()
    const again = await send({ id: first.id, body: JSON.stringify({ ...PING, hook_id: 2 }) })
    expect(again.status).toBe(202)
    expect((await stored(first.id))?.payload).toBe(JSON.stringify(PING))
  })

  it('with a payload that GitHub may just send', async () => {
    const body = JSON.stringify({ ...PING, filler: 'x'.repeat(20 * MEGABYTE) })
    expect((await send({ body })).status).toBe(202)
  })
})

describe('a webhook is refused', () => {
  it.each([
    ['401 without a signature', 401, { headers: { 'x-hub-signature-256': null } }],
    ['401 with the signature of another secret', 401, { secret: 'guessed' }],
    ['401 with a sha1 signature alone', 401, { algorithm: 'sha1' }],
    ['401 with half a signature', 401, { headers: { 'x-hub-signature-256': 'sha256=abcdef' } }],
    ['401 with something else for a signature', 401, { headers: { 'x-hub-signature-256': 'true' } }],
    ['415 in another content type', 415, { headers: { 'content-type': 'text/plain' } }],
    ['415 without a content type that is known', 415, { headers: { 'content-type': 'application/octet-stream' } }],
    ['400 when it is not JSON', 400, { body: 'zen' }],
    ['400 when it is JSON, but no object', 400, { body: '[1]' }],
    ['400 without an event', 400, { headers: { 'x-github-event': null } }],
    ['400 without a delivery id', 400, { headers: { 'x-github-delivery': null } }],
    ['400 with an endless delivery id', 400, { id: 'x'.repeat(1000) }],
    ['413 over 25 MB', 413, { body: Buffer.alloc(26 * MEGABYTE, 0x20) }],
  ] as const satisfies readonly (readonly [string, number, Webhook])[])('%s', async (_words, status, webhook) => {
    const answer = await send(webhook)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } })
    expect(await stored(answer.id)).toBeUndefined()
  })

  it('401 when the body was altered after it was signed', async () => {
    const signature = createHmac('sha256', slipway.simulated.webhookSecret).update(JSON.stringify(PING)).digest('hex')
    const headers = { 'x-hub-signature-256': `sha256=${signature}` }
    expect((await send({ body: JSON.stringify({ ...PING, hook_id: 2 }), headers })).status).toBe(401)
  })

  it('415 when it is compressed', async () => {
    expect((await send({ body: gzipSync(JSON.stringify(PING)), headers: { 'content-encoding': 'gzip' } })).status).toBe(
      415,
    )
  })

  it('413 over 25 MB of which the length was not announced', async () => {
    expect(await sendChunks(26)).toBe(413)
  })

  it('401 before the body of a stranger is read', async () => {
    expect(await sendChunks(26, { 'x-hub-signature-256': 'sha256=0' })).toBe(401)
  })

  it('404 or 405 when it is no POST', async () => {
    expect([404, 405]).toContain((await send({ method: 'GET' })).status)
  })
})

/** So many megabytes in pieces, signed by nobody; the status of the answer. */
function sendChunks(megabytes: number, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${slipway.url}/api/github/webhooks`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${'0'.repeat(64)}`, ...headers },
      },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      },
    )
    outgoing.once('error', reject)
    for (let sent = 0; sent < megabytes; sent++) outgoing.write(Buffer.alloc(MEGABYTE, 0x20))
    outgoing.end()
  })
}

describe('while the database is away', () => {
  it.each(['refuse', 'stall'] as const)(
    'answers 503 and never a false 2xx, then goes on by itself (%s)',
    async (fault) => {
      line.proxy[fault]()
      const answers = await Promise.all(Array.from({ length: 20 }, () => send()))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
      expect((await fetch(`${slipway.url}/healthz`)).status).toBe(200)
      line.proxy.heal()
      const accepted = await slipway.github.waitFor(async () => {
        const answer = await send()
        return answer.status === 202 ? answer : undefined
      })
      expect(await stored(accepted.id)).toBeDefined()
      // GitHub sends again what was refused, under the same id.
      for (const { id } of answers) expect((await send({ id })).status).toBe(202)
    },
  )
})
