import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { reveal } from '../../../src/core/secret.ts'
import { createTokenStore } from '../../../src/store/tokens.ts'
import { sql } from '../../../src/store/database.ts'
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

async function call(method: string, path: string, json?: unknown, token = ADMIN_TOKEN) {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  })
  const text = await answer.text()
  // The tests look at fields of answers whose shapes they assert themselves.
  const body: Record<string, unknown> = text === '' ? {} : JSON.parse(text)
  return { status: answer.status, body, text }
}

const POOL = '/api/v1/pools/default'
const reserve = (json: object, token = POOL_TOKEN) => call('POST', `${POOL}/reservations`, json, token)

describe('pools', () => {
  it('are made, changed, shown and closed by admins', async () => {
    expect(await call('POST', '/api/v1/pools', { name: 'gpu', timeout: '10m', health: { path: '/up' } })).toMatchObject(
      {
        status: 201,
        body: { name: 'gpu', timeout_seconds: 600, health: { path: '/up', timeout_seconds: 5 }, counts: { free: 0 } },
      },
    )
    expect((await call('POST', '/api/v1/pools', { name: 'gpu' })).status).toBe(409)
    expect(await call('PATCH', '/api/v1/pools/gpu', { health: null, max_held_per_repository: 2 })).toMatchObject({
      status: 200,
      body: { health: null, timeout_seconds: 600, max_held_per_repository: 2 },
    })
    expect((await call('GET', '/api/v1/pools', undefined, POOL_TOKEN)).body['pools']).toHaveLength(2)
    expect((await call('DELETE', '/api/v1/pools/gpu')).status).toBe(204)
    expect((await call('GET', '/api/v1/pools/gpu')).status).toBe(404)
    expect((await call('DELETE', POOL)).status).toBe(409)
    expect((await call('POST', '/api/v1/pools', { name: 'x' }, POOL_TOKEN)).status).toBe(403)
  })

  it('are closed without a token', async () => {
    expect((await call('GET', '/api/v1/pools', undefined, 'wrong')).status).toBe(401)
  })
})

describe('instances', () => {
  const add = (domain: string, more = {}) => call('POST', `${POOL}/instances`, { domain, token: 't', ...more })

  it('are added once, edited without losing their token, and never show it', async () => {
    const added = await add('https://CI1.example.com/', { labels: { size: 's' } })
    expect(added).toMatchObject({
      status: 201,
      body: { id: '1', domain: 'ci1.example.com', state: 'free', labels: { size: 's' } },
    })
    expect((await add('ci1.example.com')).status).toBe(409)
    expect(await call('PATCH', `${POOL}/instances/1`, { domain: 'ci9.example.com', note: 'moved' })).toMatchObject({
      status: 200,
      body: { domain: 'ci9.example.com', note: 'moved' },
    })
    expect((await call('GET', `${POOL}/instances`)).text).not.toContain('token')
    expect(await reserve({ client: 'a' })).toMatchObject({
      status: 201,
      body: { instances: [{ domain: 'ci9.example.com', token: 't' }] },
    })
    const stored = await fixture.db.rows<{ token: Buffer }>(sql`select token from pool_instances`)
    expect(stored[0]?.token.length).toBeGreaterThan(32)
  })

  it('drain while they are held, and leave when the holder does', async () => {
    await add('ci1.example.com')
    const { body } = await reserve({ client: 'a' })
    expect((await call('POST', `${POOL}/instances/1/drain`, { reason: 'upgrade' })).body).toMatchObject({
      state: 'held',
      draining: true,
    })
    expect((await call('POST', `${POOL}/instances/1/quarantine`)).status).toBe(409)
    expect((await call('DELETE', `${POOL}/instances/1`)).body).toEqual({ removed: false, leaving: true })
    await call('DELETE', `${POOL}/reservations/${String(body['id'])}`, undefined, POOL_TOKEN)
    expect((await call('GET', `${POOL}/instances`)).body).toEqual({ instances: [] })
  })

  it('are put aside and taken back, with a history of who did it', async () => {
    await add('ci1.example.com')
    await call('POST', `${POOL}/instances/1/quarantine`, { reason: 'flaky' })
    expect((await reserve({ client: 'a' })).status).toBe(409)
    await call('POST', `${POOL}/instances/1/restore`)
    const { body } = await reserve({ client: 'a' })
    await call('DELETE', `${POOL}/reservations/${String(body['id'])}`, undefined, POOL_TOKEN)
    const history = (await call('GET', `${POOL}/instances/1/history`)).body
    expect((history['events'] as { kind: string; actor: string }[]).map((event) => event.kind)).toEqual([
      'released',
      'reserved',
      'restored',
      'quarantined',
      'added',
    ])
    expect(history).toMatchObject({ holds: 1, failures: 0, failure_rate: 0 })
    const audit = await fixture.db.rows<{ action: string; actor: string }>(sql`select action, actor from audit_log
      where subject = 'pool:default/ci1.example.com' order by id desc limit 2`)
    expect(audit).toEqual([
      { action: 'instance.restore', actor: 'ADMIN_TOKEN' },
      { action: 'instance.quarantine', actor: 'ADMIN_TOKEN' },
    ])
  })

  it('are stolen with a reason only, and the theft is on the record', async () => {
    await add('ci1.example.com')
    expect((await call('POST', `${POOL}/instances/1/steal`, { reason: 'x' })).status).toBe(409)
    await reserve({ client: 'a' })
    expect((await call('POST', `${POOL}/instances/1/steal`, {})).status).toBe(422)
    expect((await call('POST', `${POOL}/instances/1/steal`, { reason: 'x' }, POOL_TOKEN)).status).toBe(403)
    expect(await call('POST', `${POOL}/instances/1/steal`, { reason: 'a demo' })).toMatchObject({
      status: 201,
      body: { client: 'reserved_by_admin' },
    })
    const [row] = await fixture.db.rows<{ detail: object }>(
      sql`select detail from audit_log where action = 'instance.steal' order by id desc`,
    )
    expect(row?.detail).toEqual({ reason: 'a demo', from: 'a' })
  })
})

describe('reservations', () => {
  beforeEach(async () => {
    await fixture.addInstances(2)
  })

  it('are held, extended up to the maximum, kept alive and released once', async () => {
    const { status, body } = await reserve({ client: 'acme--shop--1--1', timeout: '10m', heartbeat: '30s' })
    expect([status, body['repository'], body['instances']]).toEqual([
      201,
      'acme/shop',
      [{ id: '1', domain: 'ci1.example.com', url: 'https://ci1.example.com', token: 'token-ci1.example.com' }],
    ])
    const one = `${POOL}/reservations/${String(body['id'])}`
    expect((await call('GET', one)).body['instances']).toMatchObject([{ token: null }])
    const extended = await call('PATCH', one, { timeout: '9h' }, POOL_TOKEN)
    expect(Date.parse(String(extended.body['expires_at'])) - Date.parse(String(extended.body['granted_at']))).toBe(
      4 * 3_600_000,
    )
    expect((await call('PATCH', one, { timeout: '9h' }, POOL_TOKEN)).status).toBe(409)
    expect((await call('POST', `${one}/heartbeat`, undefined, POOL_TOKEN)).status).toBe(204)
    expect((await call('DELETE', one, { generation: '999999' }, POOL_TOKEN)).status).toBe(409)
    expect((await call('DELETE', one, { outcome: 'success' }, POOL_TOKEN)).body).toMatchObject({
      state: 'ended',
      ending: 'released',
    })
    expect((await call('DELETE', one, undefined, POOL_TOKEN)).status).toBe(200)
    expect((await call('POST', `${one}/heartbeat`, undefined, POOL_TOKEN)).status).toBe(409)
  })

  it('wait in the line with a place and an estimate, and are found when their time has come', async () => {
    const first = await reserve({ client: 'a', count: 2 })
    const second = await reserve({ client: 'b', wait: '10m' })
    expect(second).toMatchObject({
      status: 202,
      body: { state: 'waiting', place: 1, estimated_wait_seconds: expect.any(Number), instances: [] },
    })
    expect((await call('GET', `${POOL}/queue`)).body['queue']).toMatchObject([{ place: 1, client: 'b' }])
    const one = `${POOL}/reservations/${String(second.body['id'])}`
    const looking = call('GET', `${one}?wait=30`, undefined, POOL_TOKEN)
    await vi.waitFor(async () => expect(await fixture.store.queue('default')).toHaveLength(1))
    await call('DELETE', `${POOL}/reservations/${String(first.body['id'])}`, undefined, POOL_TOKEN)
    expect((await looking).body).toMatchObject({ state: 'held', place: null })
  })

  it('are the same for the same idempotency key', async () => {
    const ids = await Promise.all(
      [1, 2].map(async () => (await reserve({ client: 'a', idempotency_key: 'k' })).body['id']),
    )
    expect(ids[0]).toBe(ids[1])
  })

  it('belong to the token that made them', async () => {
    const tokens = createTokenStore(fixture.db)
    const other = reveal((await tokens.issue({ name: 'other', scope: 'pool', pools: null, ttlMs: null }, 'test')).token)
    const { body } = await reserve({ client: 'a' })
    expect((await call('DELETE', `${POOL}/reservations/${String(body['id'])}`, undefined, other)).status).toBe(403)
    const limited = reveal(
      (await tokens.issue({ name: 'limited', scope: 'pool', pools: ['gpu'], ttlMs: null }, 'test')).token,
    )
    expect((await reserve({ client: 'b' }, limited)).status).toBe(404)
    const reader = reveal(
      (await tokens.issue({ name: 'reader', scope: 'read', pools: null, ttlMs: null }, 'test')).token,
    )
    expect((await reserve({ client: 'b' }, reader)).status).toBe(403)
  })

  it.each([
    ['client', {}],
    ['client', { client: '' }],
    ['client', { client: 'x'.repeat(1024 * 1024) }],
    ['client', { client: 'a\u0007' }],
    ['client', { client: 7 }],
    ['timeout', { client: 'a', timeout: 'soon' }],
    ['timeout', { client: 'a', timeout: 0 }],
    ['timeout', { client: 'a', timeout: -5 }],
    ['timeout', { client: 'a', timeout: '5h' }],
    ['count', { client: 'a', count: 0 }],
    ['count', { client: 'a', count: 1.5 }],
    ['count', { client: 'a', count: 3 }],
    ['labels', { client: 'a', labels: { size: 'xl' } }],
    ['labels.size', { client: 'a', labels: { size: 1 } }],
    ['instance', { client: 'a', instance: '99' }],
    ['priority', { client: 'a', priority: 1000 }],
    ['wait', { client: 'a', wait: '25h' }],
    ['hold_on_failure', { client: 'a', hold_on_failure: '5h' }],
    ['heartbeat', { client: 'a', heartbeat: '0.5s' }],
    ['tiemout', { client: 'a', tiemout: 5 }],
  ])('refuse a wrong %s by its name and change nothing', async (field, json) => {
    const answer = await reserve(json)
    expect([answer.status, answer.body['error']]).toEqual([422, expect.objectContaining({ field })])
    expect((await fixture.store.instances('default')).map(({ state }) => state)).toEqual(['free', 'free'])
  })

  it('refuse what is not JSON, not for this pool, or not there', async () => {
    const post = (body: string, type: string) =>
      fetch(`${server.url}${POOL}/reservations`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${POOL_TOKEN}`, 'content-type': type },
      })
    expect((await post('{', 'application/json')).status).toBe(400)
    expect((await post('client=a', 'application/x-www-form-urlencoded')).status).toBe(415)
    expect((await call('POST', '/api/v1/pools/nowhere/reservations', { client: 'a' })).body['error']).toMatchObject({
      code: 'not_found',
      field: 'pool',
    })
    expect((await call('GET', `${POOL}/reservations/not-an-id`)).status).toBe(422)
    expect((await call('GET', `${POOL}/reservations/00000000-0000-4000-8000-000000000000`)).status).toBe(404)
  })
})

describe('tokens', () => {
  it('are shown once, rotate with an overlap, and end when revoked', async () => {
    const made = await call('POST', '/api/v1/tokens', { name: 'ci', scope: 'pool', expires_in: '90d' })
    expect(made.status).toBe(201)
    const token = String(made.body['token'])
    const works = async (text: string) =>
      (await fetch(`${server.url}/api/instances`, { headers: { authorization: `Bearer ${text}` } })).status
    expect(await works(token)).toBe(200)
    expect((await call('GET', '/api/v1/tokens')).text).not.toContain(token)
    const rotated = await call('POST', `/api/v1/tokens/${String(made.body['id'])}/rotate`, { overlap: '1h' })
    expect(await works(String(rotated.body['token']))).toBe(200)
    expect(await works(token)).toBe(200)
    await call('DELETE', `/api/v1/tokens/${String(made.body['id'])}`)
    await vi.waitFor(async () => expect(await works(token)).toBe(401), { timeout: 10_000 })
    expect((await call('DELETE', `/api/v1/tokens/${String(made.body['id'])}`)).status).toBe(404)
    expect((await call('GET', '/api/v1/tokens', undefined, POOL_TOKEN)).status).toBe(403)
  })
})
