import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SimulatedApp } from './simulated-app.ts'
import { startSimulatedApp } from './simulated-app.ts'

describe('faults of the simulated REST API', () => {
  let simulated: SimulatedApp

  beforeAll(async () => {
    simulated = await startSimulatedApp()
    await simulated.control.createRepository({ owner: 'alice', name: 'shop', files: { a: 'a' } })
  })
  afterEach(() => simulated.control.clearFaults())
  afterAll(() => simulated.close())

  const ask = async (path: string, more: RequestInit = {}): Promise<Response> => {
    const token = await simulated.installed('alice').then((octokit) => octokit.auth({ type: 'installation' }))
    if (typeof token !== 'object' || token === null || !('token' in token)) throw new Error('no token')
    return fetch(`${simulated.github.apiUrl}${path}`, {
      ...more,
      headers: { authorization: `Bearer ${String(token.token)}`, 'user-agent': 'test' },
    })
  }

  it('hit as many calls as ordered, of one operation only', async () => {
    await simulated.control.restFault({ kind: 'status', operation: 'repos/get', status: 502, times: 2 })
    expect((await ask('/repos/alice/shop/branches')).status).toBe(200)
    expect([
      (await ask('/repos/alice/shop')).status,
      (await ask('/repos/alice/shop')).status,
      (await ask('/repos/alice/shop')).status,
    ]).toEqual([502, 502, 200])
  })

  it('speak of limits as GitHub does', async () => {
    await simulated.control.restFault({ kind: 'secondary', path: '/branches$', retryAfter: 7 })
    await simulated.control.restFault({ kind: 'secondary', path: '/branches$' })
    await simulated.control.restFault({ kind: 'primary', path: '/branches$', retryAfter: 30 })
    const answers = [
      await ask('/repos/alice/shop/branches'),
      await ask('/repos/alice/shop/branches'),
      await ask('/repos/alice/shop/branches'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403])
    expect(answers.map(({ headers }) => headers.get('retry-after'))).toEqual(['7', null, null])
    expect(answers[2]?.headers.get('x-ratelimit-remaining')).toBe('0')
    expect(await answers[0]?.json()).toMatchObject({ message: expect.stringContaining('secondary rate limit') })
  })

  it('cut the connection before the work, or after it', async () => {
    const { control } = simulated
    const { head } = await control.repository('alice/shop')
    const create = (): Promise<Response> =>
      ask('/repos/alice/shop/check-runs', { method: 'POST', body: JSON.stringify({ name: 'x', head_sha: head }) })
    await control.restFault({ kind: 'reset', operation: 'checks/create' })
    await expect(create()).rejects.toThrow()
    expect(await control.checkRuns('alice/shop', head ?? '')).toEqual([])
    await control.restFault({ kind: 'lost_answer', operation: 'checks/create' })
    await expect(create()).rejects.toThrow()
    expect(await control.checkRuns('alice/shop', head ?? '')).toHaveLength(1)
    const faults = (await control.calls())
      .map(({ fault, status }) => [fault, status])
      .filter(([fault]) => fault === 'reset' || fault === 'lost_answer')
    expect(faults).toEqual([
      ['reset', 0],
      ['lost_answer', 201],
    ])
  })

  it('end tokens early, without blaming the client', async () => {
    // By hand: Octokit would ask again for seconds, in case the token is only too new.
    const { data } = await simulated.app.rest.apps.listInstallations()
    const { token } = (
      await simulated.app.rest.apps.createInstallationAccessToken({ installation_id: data[0]?.id ?? 0 })
    ).data
    const look = (): Promise<Response> =>
      fetch(`${simulated.github.apiUrl}/repos/alice/shop`, {
        headers: { authorization: `Bearer ${token}`, 'user-agent': 'test' },
      })
    expect((await look()).status).toBe(200)
    await simulated.control.expireTokens()
    expect((await look()).status).toBe(401)
    expect((await simulated.control.report()).problems).toEqual([])
  })

  it('leave a client that asks without a name or for unknown things in the report', async () => {
    const { github, control } = simulated
    await ask('/repos/alice/shop/nothing-like-that')
    const answer = await fetch(`${github.url}/repos/alice/shop/issues`, { headers: { 'user-agent': 'test' } })
    expect(answer.status).toBe(404)
    expect((await control.report()).problems.map(({ kind }) => kind)).toEqual(['unknown-route', 'unknown-route'])
  })
})
