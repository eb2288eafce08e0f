/** The page `/pools` in a real browser, under the strict policy that the product serves it with. */
import { Hono } from 'hono'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { remoteAddress } from '../../../src/http/require-scope.ts'
import { startHttpServer } from '../../../src/http/server.ts'
import { checkRequest } from '../../../src/pool/check-request.ts'
import { createSessionStore } from '../../../src/store/sessions.ts'
import { createGuard } from '../../../src/web/guard.ts'
import { createPoolPages } from '../../../src/web/pool-pages.tsx'
import { createAssetRoutes } from '../../../src/web/serve-assets.ts'
import { createSessions } from '../../../src/web/sessions.ts'
import { createPoolFixture, type PoolFixture } from '../../support/pool-fixture.ts'

const TOKEN = 'k'.repeat(43)

let fixture: PoolFixture
let server: { readonly url: string; readonly stop: () => Promise<void> }
let browser: Browser
let page: Page
let isAdmin = true
let complaints: string[] = []

beforeAll(async () => {
  fixture = await createPoolFixture()
  server = await startPages()
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
})

beforeEach(async () => {
  await fixture.reset()
  isAdmin = true
  complaints = []
  await page?.close()
  page = await browser.newPage()
  await page.goto(`${server.url}/test-login`)
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
  await fixture.stop()
})

const eventually = <Value,>(look: () => Promise<Value>) => expect.poll(look, { timeout: 30_000 })
const row = (domain: string) => page.locator(`tr[data-instance="${domain}"]`)
const press = (domain: string, name: string) => row(domain).getByRole('button', { name, exact: true }).click()

async function hold(client: string, more = {}) {
  const pool = await fixture.pool()
  const checked = checkRequest({ client, actor: 'test', ...more }, pool)
  if (checked.kind !== 'ok') throw new Error(checked.message)
  const outcome = await fixture.store.reserve(pool, checked.request)
  if (outcome.kind !== 'granted' && outcome.kind !== 'waiting') throw new Error(outcome.kind)
  return outcome.reservation
}

describe('the pool page', () => {
  it('adds an instance and tells what is wrong with the form, keeping what was typed', async () => {
    await page.goto(`${server.url}/pools`)
    await page.getByLabel('URL of the instance').fill('ci1.example.com')
    await page.getByLabel('Its token').fill('short')
    await page.getByRole('button', { name: 'Add' }).click()
    await eventually(() => page.getByRole('alert').allTextContents()).toEqual([
      'Error: is not valid url',
      'Error: is too short (minimum is 43 characters)',
    ])
    expect(await page.getByLabel('URL of the instance').inputValue()).toBe('ci1.example.com')
    await page.getByLabel('URL of the instance').fill('https://ci1.example.com/')
    await page.getByLabel('Its token').fill(TOKEN)
    await page.getByLabel('Labels, as').fill('size=s')
    await page.getByRole('button', { name: 'Add' }).click()
    await eventually(() => row('ci1.example.com').textContent()).toContain('size=s')
    expect(await page.content()).not.toContain(TOKEN)
    expect(complaints.filter((text) => !text.includes('422'))).toEqual([])
  })

  it('shows who holds what until when, linked, and counts down', async () => {
    await fixture.addInstances(2)
    await hold('acme--shop--4711--12')
    await page.goto(`${server.url}/pools`)
    const link = row('ci1.example.com').getByRole('link', { name: 'acme/shop run 12' })
    expect(await link.getAttribute('href')).toBe('https://github.example/acme/shop/actions/runs/4711')
    const countdown = row('ci1.example.com').locator('time[data-until]')
    const before = await countdown.textContent()
    expect(before).toMatch(/^00:4[45]:\d\d$/)
    await eventually(() => countdown.textContent()).not.toBe(before)
    expect(await page.locator('svg.pool-usage rect').count()).toBeGreaterThanOrEqual(168)
    expect(complaints).toEqual([])
  })

  it('is live: what others do appears without a reload', async () => {
    await fixture.addInstances(1)
    await page.goto(`${server.url}/pools`)
    await page.evaluate('window.stillTheSamePage = true')
    const { id } = await hold('someone')
    await eventually(() => row('ci1.example.com').textContent()).toContain('someone')
    await hold('patient', { wait: { forMs: 600_000, ttlMs: null, waiterId: null, wakeJob: null } })
    await eventually(() => page.locator('#queue').textContent()).toContain('patient')
    await fixture.store.end({ by: 'id', id }, { ending: 'released', actor: 'test', reason: '' })
    await eventually(() => row('ci1.example.com').textContent()).toContain('patient')
    expect(await page.evaluate('window.stillTheSamePage')).toBe(true)
  })

  it('reserves, releases, steals, drains, quarantines, edits and deletes', async () => {
    await fixture.addInstances(1)
    await page.goto(`${server.url}/pools`)
    page.on('dialog', (dialog) => void dialog.accept())
    const state = () => row('ci1.example.com').locator('.pool-state').textContent()

    await press('ci1.example.com', 'Reserve')
    await eventually(() => row('ci1.example.com').textContent()).toContain('reserved by octocat')
    await press('ci1.example.com', 'Release')
    await eventually(state).toBe('free')

    await hold('victim')
    await eventually(() => row('ci1.example.com').textContent()).toContain('victim')
    await row('ci1.example.com').getByText('Steal', { exact: true }).click()
    await row('ci1.example.com').getByLabel('Why').fill('a demonstration')
    await press('ci1.example.com', 'Steal now')
    await eventually(() => row('ci1.example.com').textContent()).toContain('a demonstration')

    await press('ci1.example.com', 'Drain')
    await eventually(state).toBe('held, draining')
    await press('ci1.example.com', 'Release')
    await eventually(state).toBe('free, drained')
    await press('ci1.example.com', 'Undrain')
    await eventually(state).toBe('free')
    await press('ci1.example.com', 'Quarantine')
    await eventually(state).toBe('quarantined')
    await press('ci1.example.com', 'Restore')
    await eventually(state).toBe('free')

    await row('ci1.example.com').getByText('Edit', { exact: true }).click()
    await row('ci1.example.com').getByLabel('Note').fill('flaky since Monday')
    await press('ci1.example.com', 'Save')
    await eventually(() => row('ci1.example.com').textContent()).toContain('flaky since Monday')

    await row('ci1.example.com').getByRole('link', { name: 'ci1.example.com' }).click()
    await eventually(() => page.locator('#history').textContent()).toContain('taken by an admin')
    expect(await page.locator('.pool-facts').textContent()).toContain('failure rate0 %')
    await page.goBack()
    await press('ci1.example.com', 'Delete')
    await eventually(() => page.content()).toContain('This pool has no instance yet.')
    expect(complaints).toEqual([])
  })

  it('takes orders from admins only, and only from its own forms', async () => {
    await fixture.addInstances(1)
    await page.goto(`${server.url}/pools`)
    const csrf = await page.locator('input[name="_csrf"]').first().inputValue()
    const order = async (word: string) =>
      (
        await page.request.post(`${server.url}/pools/default/instances/1/drain`, {
          form: { _csrf: word },
          maxRedirects: 0,
        })
      ).status()
    expect([await order('guess'), await order('')]).toEqual([403, 403])
    isAdmin = false
    expect(await order(csrf)).toBe(403)
    await page.goto(`${server.url}/pools`)
    expect(await page.locator('#content').getByRole('button').count()).toBe(0)
    expect((await fixture.store.instances('default'))[0]?.isDraining).toBe(false)
  })
})

async function startPages() {
  const checkToken = () => Promise.resolve({ kind: 'refused' as const })
  const baseUrl = 'http://localhost:3000'
  const sessions = createSessions({
    store: createSessionStore(fixture.db),
    sealer: fixture.cipher,
    checkToken,
    addressOf: remoteAddress,
    isAdmin: () => isAdmin,
    baseUrl,
  })
  const guard = createGuard({ sessions, checkToken, addressOf: remoteAddress, baseUrl, isConfigured: () => true })
  const app = new Hono()
  app.get('/test-login', async (context) => {
    await sessions.begin(context, { kind: 'github', login: 'octocat' })
    return context.text('logged in')
  })
  app.get('/favicon.ico', (context) => context.body(null, 204))
  app.route('/', createAssetRoutes())
  app.route('/', createPoolPages({ ...fixture, guard, logger: silentLogger, githubUrl: 'https://github.example' }))
  const started = await startHttpServer(
    {
      webhookPath: '/api/github/webhooks',
      onWebhook: () => Promise.resolve(),
      fetch: (request, env) => app.fetch(request, env),
      onUpgrade: (_request, socket) => socket.destroy(),
    },
    0,
    '127.0.0.1',
  )
  return { url: `http://127.0.0.1:${started.port}`, stop: () => started.stop(0) }
}
