import { createHash, randomBytes } from 'node:crypto'
import { Octokit } from '@octokit/rest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SimulatedApp } from './simulated-app.ts'
import { quiet, startSimulatedApp } from './simulated-app.ts'

describe('signing in at the simulated GitHub', () => {
  let simulated: SimulatedApp
  const redirect_uri = 'http://localhost:3000/auth/callback'

  beforeAll(async () => {
    simulated = await startSimulatedApp()
    const { control } = simulated
    await control.createRepository({ owner: 'alice', name: 'open', files: { a: 'a' } })
    await control.createRepository({ owner: 'alice', name: 'closed', private: true, files: { a: 'a' } })
    await control.createRepository({ owner: 'zoe', name: 'hers', private: true, files: { a: 'a' } })
    await control.setCollaborator('alice/open', 'bob', 'write')
  })
  afterAll(() => simulated.close())

  const authorize = async (challenge?: string): Promise<URL> => {
    const url = new URL(`${simulated.github.url}/login/oauth/authorize`)
    url.search = new URLSearchParams({
      client_id: simulated.github.clientId,
      redirect_uri,
      state: 's&1',
      ...(challenge === undefined ? {} : { code_challenge: challenge, code_challenge_method: 'S256' }),
    }).toString()
    const answer = await fetch(url, { redirect: 'manual' })
    return new URL(answer.headers.get('location') ?? url)
  }
  const exchange = async (fields: Record<string, string>): Promise<Record<string, unknown>> => {
    const { clientId: client_id, clientSecret: client_secret, url } = simulated.github
    const body = new URLSearchParams({ client_id, client_secret, redirect_uri, ...fields })
    const answer = await fetch(`${url}/login/oauth/access_token`, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body,
    })
    expect(answer.status).toBe(200)
    return (await answer.json()) as Record<string, unknown>
  }

  it('gives a token for the person who approved, once, to the holder of the verifier', async () => {
    await simulated.control.setLogin('bob')
    const code_verifier = randomBytes(32).toString('base64url')
    const back = await authorize(createHash('sha256').update(code_verifier).digest('base64url'))
    expect(back.origin + back.pathname).toBe(redirect_uri)
    expect(back.searchParams.get('state')).toBe('s&1')
    const code = back.searchParams.get('code') ?? ''
    const granted = await exchange({ code, code_verifier })
    expect(granted).toMatchObject({
      access_token: expect.stringMatching(/^ghu_/),
      refresh_token: expect.stringMatching(/^ghr_/),
      token_type: 'bearer',
    })
    expect(await exchange({ code, code_verifier })).toMatchObject({ error: 'bad_verification_code' })

    const octokit = new Octokit({ baseUrl: simulated.github.apiUrl, auth: granted['access_token'], log: quiet })
    expect((await octokit.rest.users.getAuthenticated()).data.login).toBe('bob')
    const { data } = await octokit.rest.apps.listInstallationsForAuthenticatedUser()
    expect(data.installations.map(({ account }) => account !== null && 'login' in account && account.login)).toEqual([
      'alice',
    ])
    const { data: seen } = await octokit.rest.apps.listInstallationReposForAuthenticatedUser({
      installation_id: data.installations[0]?.id ?? 0,
    })
    expect(seen.repositories.map(({ full_name, permissions }) => [full_name, permissions?.push])).toEqual([
      ['alice/open', true],
    ])
    await expect(octokit.rest.repos.get({ owner: 'alice', repo: 'closed' })).rejects.toMatchObject({ status: 404 })
    expect(
      await exchange({ grant_type: 'refresh_token', refresh_token: String(granted['refresh_token']) }),
    ).toMatchObject({ access_token: expect.stringMatching(/^ghu_/) })
    expect((await simulated.control.report()).problems).toEqual([])
  })

  it('refuses a wrong verifier and a wrong secret', async () => {
    const back = await authorize(createHash('sha256').update('right').digest('base64url'))
    expect(await exchange({ code: back.searchParams.get('code') ?? '', code_verifier: 'wrong' })).toMatchObject({
      error: 'bad_verification_code',
    })
    expect(await exchange({ code: 'any', client_secret: 'wrong' })).toMatchObject({
      error: 'incorrect_client_credentials',
    })
  })

  it('asks who it is when nobody approves by himself', async () => {
    await simulated.control.setLogin(null)
    const asked = await fetch(
      `${simulated.github.url}/login/oauth/authorize?client_id=${simulated.github.clientId}&redirect_uri=${encodeURIComponent(redirect_uri)}&state=${encodeURIComponent('"><script>')}`,
    )
    const text = await asked.text()
    expect(text).toContain('name="login"')
    expect(text).not.toContain('<script>')
  })

  it('creates an app from a manifest: one code, one conversion', async () => {
    await simulated.control.setLogin('alice')
    const manifest = {
      name: 'Slipway test',
      url: 'http://localhost:3000',
      redirect_url: 'http://localhost:3000/setup',
      hook_attributes: { url: simulated.receiver.url },
      default_permissions: { checks: 'write' },
      default_events: ['push'],
    }
    const posted = await fetch(`${simulated.github.url}/settings/apps/new?state=abc`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ manifest: JSON.stringify(manifest) }),
    })
    const back = new URL(posted.headers.get('location') ?? '')
    expect(back.searchParams.get('state')).toBe('abc')
    const octokit = new Octokit({ baseUrl: simulated.github.apiUrl, log: quiet })
    const code = back.searchParams.get('code') ?? ''
    const { data } = await octokit.rest.apps.createFromManifest({ code })
    expect(data).toMatchObject({
      name: 'Slipway test',
      pem: expect.stringContaining('RSA PRIVATE KEY'),
      permissions: { checks: 'write' },
      events: ['push'],
    })
    await expect(octokit.rest.apps.createFromManifest({ code })).rejects.toMatchObject({ status: 404 })
  })
})
