import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTokenStore } from '../../../src/store/tokens.ts'
import { reveal } from '../../../src/core/secret.ts'
import { createPoolFixture, type PoolFixture } from '../../support/pool-fixture.ts'
import { ADMIN_TOKEN, POOL_TOKEN, startPoolServer } from '../../support/pool-server.ts'

let fixture: PoolFixture
let server: Awaited<ReturnType<typeof startPoolServer>>

beforeAll(async () => {
  fixture = await createPoolFixture()
  server = await startPoolServer({ ...fixture, tokens: createTokenStore(fixture.db) })
})

beforeEach(async () => {
  await fixture.reset()
})

afterAll(async () => {
  await server.stop()
  await fixture.stop()
})

interface Call {
  readonly token?: string | null
  readonly json?: unknown
  readonly body?: string | FormData
  readonly type?: string
  readonly authorization?: string
}

async function call(method: string, path: string, { token = POOL_TOKEN, json, body, type, authorization }: Call = {}) {
  const headers = new Headers()
  if (token !== null) headers.set('authorization', authorization ?? `Bearer ${token}`)
  if (json !== undefined) headers.set('content-type', 'application/json')
  if (type !== undefined) headers.set('content-type', type)
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers,
    ...(json === undefined ? (body === undefined ? {} : { body }) : { body: JSON.stringify(json) }),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    text,
    type: answer.headers.get('content-type'),
    retryAfter: answer.headers.get('retry-after'),
  }
}

const reserve = (client: string, more: Record<string, unknown> = {}) =>
  call('POST', '/api/instances/reserve', { json: { client, ...more } })
const release = (client: string) => call('DELETE', '/api/instances/release', { json: { client } })

const ROUTES = [
  ['GET', ''],
  ['POST', ''],
  ['POST', '/reserve'],
  ['POST', '/get-token'],
  ['DELETE', '/release'],
  ['POST', '/test'],
] as const

describe('authorization', () => {
  const paths = ROUTES.flatMap(([method, path]) => [
    [method, `/api/instances${path}`] as const,
    [method, `/api/instances${path}.json`] as const,
  ])

  it.each([...paths, ['POST', '/api/instances/'] as const])(
    '%s %s answers 401 before it looks at anything',
    async (method, path) => {
      for (const authorization of [
        '',
        'Bearer wrong',
        `xBearer ${POOL_TOKEN}`,
        `Bearer ${POOL_TOKEN} x`,
        `bearer ${POOL_TOKEN}`,
        `Bearer ${POOL_TOKEN.slice(0, -1)}`,
      ]) {
        const answer = await call(method, path, {
          authorization,
          ...(method === 'GET' ? {} : { body: '{', type: 'application/json' }),
        })
        expect([answer.status, answer.text]).toEqual([401, '{"errors":{"base":"not authorized"}}'])
        if (authorization !== '') break
      }
    },
  )

  it('does not take a token that only contains the right one', async () => {
    for (const authorization of [
      `xBearer ${POOL_TOKEN}`,
      `Bearer ${POOL_TOKEN} x`,
      `bearer ${POOL_TOKEN}`,
      `Bearer  ${POOL_TOKEN}`,
      'Bearer ',
      POOL_TOKEN,
    ]) {
      expect((await call('GET', '/api/instances', { authorization })).status).toBe(401)
    }
  })

  it('takes tokens of scope pool for this pool, and an admin’s', async () => {
    const tokens = createTokenStore(fixture.db)
    const issue = async (scope: 'pool' | 'read' | 'runner', pools: string[] | null) =>
      reveal((await tokens.issue({ name: 'ci', scope, pools, ttlMs: null }, 'test')).token)
    const answers = await Promise.all(
      [
        await issue('pool', null),
        await issue('pool', ['default']),
        ADMIN_TOKEN,
        await issue('pool', ['other']),
        await issue('read', null),
        await issue('runner', null),
      ].map(async (token) => (await call('GET', '/api/instances', { token })).status),
    )
    expect(answers).toEqual([200, 200, 200, 401, 401, 401])
  })

  it('is closed to all when no token is configured', async () => {
    const closed = await startPoolServer({ ...fixture, tokens: createTokenStore(fixture.db), withoutTokens: true })
    for (const headers of [
      {},
      { authorization: 'Bearer ' },
      { authorization: '' },
      { authorization: 'Bearer undefined' },
    ]) {
      expect((await fetch(`${closed.url}/api/instances`, { method: 'POST', headers })).status).toBe(401)
    }
    await closed.stop()
  })
})

describe('the list', () => {
  it('has exactly six keys, ids from "1", availability as text, and nulls when free', async () => {
    await fixture.addInstances(2)
    await reserve('acme--shop--7--1')
    const reserved = JSON.parse((await call('GET', '/api/instances')).text) as Record<string, unknown>[]
    expect(reserved).toEqual([
      {
        id: '1',
        domain: 'ci1.example.com',
        pos_cli_token: 'token-ci1.example.com',
        reserved_by: 'acme--shop--7--1',
        reserved_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        available: 'false',
      },
      {
        id: '2',
        domain: 'ci2.example.com',
        pos_cli_token: 'token-ci2.example.com',
        reserved_by: null,
        reserved_at: null,
        available: 'true',
      },
    ])
  })

  it.each([
    ['GET', '/api/instances'],
    ['GET', '/api/instances.json'],
    ['POST', '/api/instances'],
    ['POST', '/api/instances/'],
    ['POST', '/api/instances.json'],
  ])('%s %s gives it as JSON', async (method, path) => {
    await fixture.addInstances(12)
    const answer = await call(method, path)
    expect(answer.type).toMatch(/^application\/json/)
    expect((JSON.parse(answer.text) as { id: string }[]).map(({ id }) => id)).toEqual(
      Array.from({ length: 12 }, (_, n) => String(n + 1)),
    )
  })

  it('comes in pages when asked', async () => {
    await fixture.addInstances(5)
    const ids = JSON.parse((await call('GET', '/api/instances?limit=2&page=2')).text) as { id: string }[]
    expect(ids.map(({ id }) => id)).toEqual(['3', '4'])
    expect((await call('GET', '/api/instances?limit=x')).status).toBe(422)
  })

  it('masks tokens when the server is told to', async () => {
    await fixture.addInstances(1)
    const masking = await startPoolServer({ ...fixture, tokens: createTokenStore(fixture.db), listTokens: false })
    const answer = await fetch(`${masking.url}/api/instances`, { headers: { authorization: `Bearer ${POOL_TOKEN}` } })
    expect(await answer.text()).not.toContain('token-ci1')
    await masking.stop()
  })
})

describe('reserving', () => {
  it('answers the bare domain', async () => {
    await fixture.addInstances(1)
    const answer = await reserve('a')
    expect([answer.status, answer.text.replace(/\n$/, ''), answer.type]).toEqual([
      200,
      'ci1.example.com',
      expect.stringMatching(/^text\/plain/),
    ])
  })

  it('refuses a client that has one, and anyone when none is free, and says when to come back', async () => {
    await fixture.addInstances(1)
    await reserve('a')
    expect(await reserve('a')).toMatchObject({
      status: 503,
      text: '{"error":"Instance already reserved. Please release or wait for auto-realeasing"}',
      retryAfter: expect.stringMatching(/^[1-9]\d*$/),
    })
    expect(await reserve('b')).toMatchObject({
      status: 503,
      text: '{"error":"no available instances"}',
      retryAfter: expect.stringMatching(/^[1-9]\d*$/),
    })
  })

  it.each([
    ['json', { json: { client: 'a', timeout: '1.5' } }, '/api/instances/reserve'],
    ['the .json twin', { json: { client: 'a', timeout: 1.5 } }, '/api/instances/reserve.json'],
    ['form', { body: 'client=a&timeout=1.5', type: 'application/x-www-form-urlencoded' }, '/api/instances/reserve'],
    ['multipart', { body: formOf({ client: 'a', timeout: '1.5' }) }, '/api/instances/reserve'],
    ['query', {}, '/api/instances/reserve?client=a&timeout=1.5'],
    [
      'both, where the body counts',
      { json: { client: 'a', timeout: 1.5 } },
      '/api/instances/reserve?client=b&timeout=9',
    ],
  ])('takes parameters from %s', async (_, more, path) => {
    await fixture.addInstances(1)
    expect((await call('POST', path, more)).text).toBe('ci1.example.com')
    const [instance] = await fixture.store.instances('default')
    expect(instance?.holder?.client).toBe('a')
    expect(Number(instance?.holder?.until) - Number(instance?.holder?.since)).toBe(90_000)
  })

  it.each([[undefined], [null], [''], ['45']])('lasts 45 minutes for the timeout %j', async (timeout) => {
    await fixture.addInstances(1)
    await reserve('a', timeout === undefined ? {} : { timeout })
    const [instance] = await fixture.store.instances('default')
    expect(Number(instance?.holder?.until) - Number(instance?.holder?.since)).toBe(45 * 60_000)
  })

  it('is capped by the maximum of the pool, and ignores what it does not know', async () => {
    await fixture.addInstances(1)
    expect((await reserve('a', { timeout: 100_000, timeut: 1 })).status).toBe(200)
    const [instance] = await fixture.store.instances('default')
    expect(Number(instance?.holder?.until) - Number(instance?.holder?.since)).toBe(4 * 3_600_000)
  })

  it.each([
    ['timeout', { client: 'a', timeout: 'soon' }, 422],
    ['timeout', { client: 'a', timeout: 0 }, 422],
    ['timeout', { client: 'a', timeout: '-1' }, 422],
    ['timeout', { client: 'a', timeout: '0x10' }, 422],
    ['timeout', { client: 'a', timeout: 'NaN' }, 422],
    ['timeout', { client: 'a', timeout: true }, 422],
    ['timeout', { client: 'a', timeout: [45] }, 422],
    ['wait', { client: 'a', wait: 'x' }, 422],
    ['wait', { client: 'a', wait: -1 }, 422],
    ['wait', { client: 'a', wait: 601 }, 422],
    ['client', {}, 422],
    ['client', { client: null }, 422],
    ['client', { client: '' }, 422],
    ['client', { client: '  ' }, 422],
    ['client', { client: 'a\u0000b' }, 422],
    ['client', { client: 'a\nb' }, 422],
    ['client', { client: 'x'.repeat(1024 * 1024) }, 422],
    ['client', { client: { a: 1 } }, 422],
  ])('refuses a wrong %s and changes nothing', async (field, json, status) => {
    await fixture.addInstances(1)
    const answer = await call('POST', '/api/instances/reserve', { json })
    expect(answer.status).toBe(status)
    expect(Object.keys((JSON.parse(answer.text) as { errors: object }).errors)).toEqual([field])
    expect((await fixture.store.instances('default'))[0]?.state).toBe('free')
    expect(await fixture.store.queue('default')).toEqual([])
  })

  it.each([
    ['application/json', '{', 400],
    ['application/json', '[1]', 400],
    ['text/xml', '<client/>', 415],
  ])('refuses a body of %s that it cannot read', async (type, body, status) => {
    const answer = await call('POST', '/api/instances/reserve', { type, body })
    expect([answer.status, Object.keys(JSON.parse(answer.text) as object)]).toEqual([status, ['errors']])
  })

  it('takes a body that comes in chunks', async () => {
    await fixture.addInstances(1)
    const chunked = httpRequest(`${server.url}/api/instances/reserve`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${POOL_TOKEN}`, 'content-type': 'application/json' },
    })
    chunked.write('{"client":')
    chunked.end('"a"}')
    const [answer] = (await once(chunked, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(200)
    answer.resume()
  })

  it('refuses a body that is too large without reading it', async () => {
    // A connection of its own: the server closes it with the body unread.
    const refused = httpRequest(`${server.url}/api/instances/reserve`, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${POOL_TOKEN}`,
        'content-type': 'application/json',
        'content-length': 3 * 1024 * 1024,
      },
    })
    refused.on('error', () => undefined)
    refused.write('{')
    const [answer] = (await once(refused, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(413)
    refused.destroy()
  })

  it.each([[true], ['true'], ['1'], [1]])('gives everything for with_token=%j', async (flag) => {
    await fixture.addInstances(1)
    expect(JSON.parse((await reserve('a', { with_token: flag })).text)).toEqual({
      id: '1',
      domain: 'ci1.example.com',
      pos_cli_token: 'token-ci1.example.com',
      available: false,
      reserved_at: expect.stringMatching(/T.*Z$/),
      reserved_by: 'a',
    })
  })

  it.each([[false], ['yes'], ['0'], ['']])('gives the bare domain for with_token=%j', async (flag) => {
    await fixture.addInstances(1)
    expect((await reserve('a', { with_token: flag })).text).toBe('ci1.example.com')
  })
})

describe('the token and the release', () => {
  it('belong to the holder, and not to be found is 404 for one and 200 for the other', async () => {
    await fixture.addInstances(1)
    await reserve('a')
    const token = await call('POST', '/api/instances/get-token', { json: { client: 'a' } })
    expect([token.status, token.text, token.type]).toEqual([
      200,
      'token-ci1.example.com',
      expect.stringMatching(/^text\/plain/),
    ])
    expect(await call('POST', '/api/instances/get-token.json', { json: { client: 'b' } })).toMatchObject({
      status: 404,
      text: '{"error":"instance not found"}',
    })
    expect(await release('b')).toMatchObject({ status: 200, text: '{"error":"instance not found"}' })
    const released = await release('a')
    expect([released.status, JSON.parse(released.text)]).toEqual([
      200,
      { valid: true, domain: 'ci1.example.com', available: true, operation: 'release' },
    ])
    expect(await release('a')).toMatchObject({ status: 200, text: '{"error":"instance not found"}' })
    expect((await reserve('a')).status).toBe(200)
  })

  it('refuse a blank client', async () => {
    expect((await call('POST', '/api/instances/get-token', { json: { client: '' } })).status).toBe(422)
    expect((await call('DELETE', '/api/instances/release')).status).toBe(422)
  })

  it('take parameters from a query and a form as well', async () => {
    await fixture.addInstances(1)
    await reserve('a')
    expect((await call('POST', '/api/instances/get-token?client=a')).text).toBe('token-ci1.example.com')
    expect(
      (
        await call('DELETE', '/api/instances/release.json', {
          body: 'client=a',
          type: 'application/x-www-form-urlencoded',
        })
      ).text,
    ).toContain('"valid":true')
  })

  it('leave the test route as it always was', async () => {
    for (const path of ['/api/instances/test', '/api/instances/test.json']) {
      expect(await call('POST', path, { json: { client: 'a' } })).toMatchObject({
        status: 200,
        text: '{"error":"instance not found"}',
      })
    }
  })
})

describe('waiting', () => {
  it('ends with the instance as soon as it is released', async () => {
    await fixture.addInstances(1)
    await reserve('a')
    const waiting = reserve('b', { wait: 60 })
    await vi.waitFor(async () => expect(await fixture.store.queue('default')).toHaveLength(1))
    await release('a')
    expect(await waiting).toMatchObject({ status: 200, text: 'ci1.example.com' })
  })

  it('ends with 503 when its time is over, and leaves the line', async () => {
    await fixture.addInstances(1)
    await reserve('a')
    expect(await reserve('b', { wait: 0.2 })).toMatchObject({ status: 503, text: '{"error":"no available instances"}' })
    expect(await fixture.store.queue('default')).toEqual([])
  })

  it('ends when the client hangs up', async () => {
    await fixture.addInstances(1)
    await reserve('a')
    const connection = httpRequest(`${server.url}/api/instances/reserve?client=b&wait=600`, {
      method: 'POST',
      headers: { authorization: `Bearer ${POOL_TOKEN}` },
    })
    connection.on('error', () => undefined)
    connection.end()
    await vi.waitFor(async () => expect(await fixture.store.queue('default')).toHaveLength(1))
    connection.destroy()
    await vi.waitFor(async () => expect(await fixture.store.queue('default')).toEqual([]))
    await release('a')
    expect((await reserve('c')).status).toBe(200)
  })

  it('goes on from its place when the client asks again after a lost connection', async () => {
    await fixture.addInstances(1)
    await reserve('a')
    const lost = new AbortController()
    const first = fetch(`${server.url}/api/instances/reserve?client=b&wait=600`, {
      method: 'POST',
      headers: { authorization: `Bearer ${POOL_TOKEN}` },
      signal: lost.signal,
    })
    await vi.waitFor(async () => expect(await fixture.store.queue('default')).toHaveLength(1))
    const [before] = await fixture.store.queue('default')
    const second = reserve('b', { wait: 60 })
    await vi.waitFor(async () => {
      const row = await fixture.store.queue('default')
      expect(row).toHaveLength(1)
    })
    lost.abort()
    await expect(first).rejects.toThrow()
    expect((await fixture.store.queue('default'))[0]?.id).toBe(before?.id)
    await release('a')
    expect((await second).status).toBe(200)
  })
})

describe('the requests of the GitHub Action', () => {
  const json = (client: string) => ({ body: `{"client":"${client}"}`, type: 'application/json' })
  const client = 'octocat--Hello-World--run-888--0'

  it('reserve, fetch the token, list, test and release as its script sends them', async () => {
    await fixture.addInstances(1)
    expect(await call('POST', '/api/instances/reserve', json(client))).toMatchObject({
      status: 200,
      text: 'ci1.example.com',
    })
    expect(await call('POST', '/api/instances/get-token', json(client))).toMatchObject({
      status: 200,
      text: 'token-ci1.example.com',
    })
    expect((await call('POST', '/api/instances/', json(client))).text).toContain(client)
    expect(await call('POST', '/api/instances/test', json(client))).toMatchObject({ status: 200 })
    expect(JSON.parse((await call('DELETE', '/api/instances/release', json(client))).text)).toMatchObject({
      valid: true,
    })
    expect((await call('DELETE', '/api/instances/release', json(client))).status).toBe(200)
  })

  it('fail the step when nothing is free, with an error and never with 200', async () => {
    expect((await call('POST', '/api/instances/reserve', json(client))).status).toBe(503)
  })
})

function formOf(fields: Record<string, string>): FormData {
  const form = new FormData()
  for (const [key, value] of Object.entries(fields)) form.set(key, value)
  return form
}
