/** The page `/pools` in a real browser, under the strict policy that the product serves it with. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startHttpServer } from '../../../src/http/server.ts'
import { checkRequest } from '../../../src/pool/check-request.ts'
import { createPoolPages, type PoolPagesDeps } from '../../../src/web/pool-pages.tsx'
import { createPoolFixture, type PoolFixture } from '../../support/pool-fixture.ts'

const ASSETS = join(import.meta.dirname, '..', '..', '..', 'src', 'web', 'assets')
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
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
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
  await fixture.stop()
})

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
    await expect.poll(() => page.getByRole('alert').allTextContents()).toEqual([
      'Error: is not valid url',
      'Error: is too short (minimum is 43 characters)',
    ])
    expect(await page.getByLabel('URL of the instance').inputValue()).toBe('ci1.example.com')
    await page.getByLabel('URL of the instance').fill('https://ci1.example.com/')
    await page.getByLabel('Its token').fill(TOKEN)
    await page.getByLabel('Labels, as').fill('size=s')
    await page.getByRole('button', { name: 'Add' }).click()
    await expect.poll(() => row('ci1.example.com').textContent()).toContain('size=s')
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
    await expect.poll(() => countdown.textContent()).not.toBe(before)
    expect(await page.locator('svg.pool-usage rect').count()).toBeGreaterThanOrEqual(168)
    expect(complaints).toEqual([])
  })

  it('is live: what others do appears without a reload', async () => {
    await fixture.addInstances(1)
    await page.goto(`${server.url}/pools`)
    await page.evaluate('window.stillTheSamePage = true')
    const { id } = await hold('someone')
    await expect.poll(() => row('ci1.example.com').textContent()).toContain('someone')
    await hold('patient', { wait: { forMs: 600_000, ttlMs: null, waiterId: null, wakeJob: null } })
    await expect.poll(() => page.locator('#queue').textContent()).toContain('patient')
    await fixture.store.end({ by: 'id', id }, { ending: 'released', actor: 'test', reason: '' })
    await expect.poll(() => row('ci1.example.com').textContent()).toContain('patient')
    expect(await page.evaluate('window.stillTheSamePage')).toBe(true)
  })

  it('reserves, releases, steals, drains, quarantines, edits and deletes', async () => {
    await fixture.addInstances(1)
    await page.goto(`${server.url}/pools`)
    page.on('dialog', (dialog) => void dialog.accept())
    const state = () => row('ci1.example.com').locator('.pool-state').textContent()

    await press('ci1.example.com', 'Reserve')
    await expect.poll(() => row('ci1.example.com').textContent()).toContain('reserved by octocat')
    await press('ci1.example.com', 'Release')
    await expect.poll(state).toBe('free')

    await hold('victim')
    await expect.poll(() => row('ci1.example.com').textContent()).toContain('victim')
    await row('ci1.example.com').getByText('Steal', { exact: true }).click()
    await row('ci1.example.com').getByLabel('Why').fill('a demonstration')
    await press('ci1.example.com', 'Steal now')
    await expect.poll(() => row('ci1.example.com').textContent()).toContain('a demonstration')

    await press('ci1.example.com', 'Drain')
    await expect.poll(state).toBe('held, draining')
    await press('ci1.example.com', 'Release')
    await expect.poll(state).toBe('free, drained')
    await press('ci1.example.com', 'Undrain')
    await expect.poll(state).toBe('free')
    await press('ci1.example.com', 'Quarantine')
    await expect.poll(state).toBe('quarantined')
    await press('ci1.example.com', 'Restore')
    await expect.poll(state).toBe('free')

    await row('ci1.example.com').getByText('Edit', { exact: true }).click()
    await row('ci1.example.com').getByLabel('Note').fill('flaky since Monday')
    await press('ci1.example.com', 'Save')
    await expect.poll(() => row('ci1.example.com').textContent()).toContain('flaky since Monday')

    await row('ci1.example.com').getByRole('link', { name: 'ci1.example.com' }).click()
    await expect.poll(() => page.locator('#history').textContent()).toContain('taken by an admin')
    expect(await page.locator('.pool-facts').textContent()).toContain('failure rate0 %')
    await page.goBack()
    await press('ci1.example.com', 'Delete')
    await expect.poll(() => page.content()).toContain('This pool has no instance yet.')
    expect(complaints).toEqual([])
  })

  it('takes orders from admins only, and only from its own forms', async () => {
    await fixture.addInstances(1)
    const order = (csrf: string) =>
      fetch(`${server.url}/pools/default/instances/1/drain`, { method: 'POST', body: new URLSearchParams({ csrf }), redirect: 'manual' })
    expect((await order('guess')).status).toBe(403)
    expect((await order('')).status).toBe(403)
    isAdmin = false
    expect((await order('csrf-of-the-session')).status).toBe(403)
    await page.goto(`${server.url}/pools`)
    expect(await page.getByRole('button').count()).toBe(0)
    expect((await fixture.store.instances('default'))[0]?.isDraining).toBe(false)
  })
})

async function startPages() {
  const deps: PoolPagesDeps = {
    ...fixture,
    readSession: () => Promise.resolve({ login: 'octocat', isAdmin, csrf: 'csrf-of-the-session' }),
    Page: ({ title, children }) => html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>${children}</body></html>`,
    githubUrl: 'https://github.example',
  }
  const app = new Hono()
  app.use(async (context, next) => {
    await next()
    context.header('content-security-policy', POLICY)
  })
  app.get('/assets/:name', async (context) => {
    const name = context.req.param('name')
    if (name !== 'pools.js' && name !== 'pools.css') return context.notFound()
    const type = name.endsWith('.js') ? 'text/javascript' : 'text/css'
    return context.body(await readFile(join(ASSETS, name), 'utf8'), 200, { 'content-type': type })
  })
  app.get('/favicon.ico', (context) => context.body(null, 204))
  app.route('/', createPoolPages(deps))
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
