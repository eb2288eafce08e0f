/** The dashboard in a real browser: getting in, watching a run, and that hostile text stays text. */
import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser, type TestBrowser, type Visitor } from '../support/browser.ts'
import { ADMIN_TOKEN, startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const HOSTILE = '<script>alert(1)</script>'
/** Speaks for some seconds, so that the log is still being written when it is watched. */
const CONFIG = `version: 1
pipeline:
  image: busybox
  stages:
    talk:
      steps:
        - name: talk
          commands:
            - "echo '${HOSTILE}'"
            - "printf '\\\\033[31mred\\\\033[0m \\\\033]8;;javascript:alert(1)\\\\007link\\\\033]8;;\\\\007\\\\n'"
            - "for i in $(seq 1 30); do echo line $i; sleep 0.2; done"
`

let slipway: SlipwayUnderTest
let browser: TestBrowser
beforeAll(async () => {
  const serverFile = 'admins: [boss]\n'
  ;[slipway, browser] = await Promise.all([startSlipway({ serverFile }), startBrowser()])
  await slipway.github.createRepository({ owner: 'acme', name: 'web', files: { 'README.md': '# web\n' } })
  await slipway.github.createRepository({
    owner: 'acme',
    name: 'vault',
    private: true,
    files: { 'README.md': '# vault\n' },
  })
  await slipway.github.createUser('boss')
  await slipway.github.createUser('stranger')
})
afterAll(async () => {
  await browser?.close()
  await slipway?.close()
})

async function logInWithToken({ page }: Visitor, next = '/'): Promise<void> {
  await page.goto(slipway.url + next)
  await page.getByLabel('Admin token').fill(ADMIN_TOKEN)
  await page.getByRole('button', { name: 'Log in with the token' }).click()
  await page.waitForURL(slipway.url + next)
}

async function logInWithGitHub({ page }: Visitor, login: string, next = '/'): Promise<void> {
  await slipway.github.setLogin(login)
  await page.goto(slipway.url + next)
  await page.getByRole('link', { name: 'Log in with GitHub' }).click()
  await page.waitForURL(slipway.url + next)
}

describe('the way in', () => {
  it('leads strangers to the log-in and back to where they wanted', async () => {
    const visitor = await browser.visitor()
    await logInWithToken(visitor, '/settings')
    expect(await visitor.page.getByRole('heading', { level: 1 }).textContent()).toBe('Settings')
    await visitor.page.getByRole('button', { name: 'Log out' }).click()
    await visitor.page.waitForURL(`${slipway.url}/login`)
    await visitor.page.goto(`${slipway.url}/settings`)
    expect(visitor.page.url()).toContain('/login?next=')
    expect(visitor.complaints).toEqual([])
    await visitor.close()
  })

  it('shows people who log in with GitHub what they may read there, and admins everything', async () => {
    const [stranger, boss] = await Promise.all([browser.visitor(), browser.visitor()])
    await logInWithGitHub(stranger, 'stranger')
    expect(await stranger.page.getByRole('link', { name: 'acme/vault' }).count()).toBe(0)
    expect(await stranger.page.getByRole('link', { name: 'acme/web' }).count()).toBe(1)
    const refused = await stranger.page.goto(`${slipway.url}/repos/acme/vault`)
    expect(refused?.status()).toBe(404)
    expect((await stranger.page.goto(`${slipway.url}/settings`))?.status()).toBe(403)

    await logInWithGitHub(boss, 'boss')
    expect(await boss.page.getByRole('link', { name: 'acme/vault' }).count()).toBe(1)
    expect((await boss.page.goto(`${slipway.url}/settings`))?.status()).toBe(200)
    await Promise.all([stranger.close(), boss.close()])
  })
})

describe('the page of a run', () => {
  it('shows the log while it is written, and hostile text as text', async () => {
    const sha = await slipway.github.commit('acme/web', { branch: 'main', files: { '.github/slipway.yml': CONFIG } })
    const check = await slipway.github.waitFor(
      async () =>
        (await slipway.github.checkRuns('acme/web', sha)).find(
          (run) => run.name === 'pipeline/talk' && run.status === 'in_progress',
        ),
      { what: 'the start of pipeline/talk' },
    )
    const visitor = await browser.visitor()
    await logInWithToken(visitor, `/runs/${check.external_id}`)
    const { page } = visitor
    // It ended by itself while the page was open, without a reload.
    await page.locator('#run-head .state.good, #run-head .state.bad').waitFor()
    expect(await page.locator('#run-head .state').textContent()).toBe('success')
    const log = page.locator('#lines')
    await log.getByText('line 30', { exact: true }).waitFor()
    expect(await log.getByText(HOSTILE, { exact: true }).count()).toBe(1)
    expect(await log.locator('.ansi-red-fg').filter({ hasText: 'red' }).count()).toBe(1)
    expect(await page.locator('#lines a[href^="javascript"]').count()).toBe(0)

    const numbers = await page.locator('#lines .l > a').allTextContents()
    expect(numbers).toEqual(numbers.map((_, index) => String(index + 1)))

    await page.keyboard.press('/')
    await page.keyboard.type('line 1')
    await page.keyboard.press('Enter')
    await page.getByText('1 of 11').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('n')
    await page.getByText('2 of 11').waitFor()

    const axe = await new AxeBuilder({ page }).analyze()
    expect(axe.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
    expect(visitor.complaints).toEqual([])
    await visitor.close()
  })

  it('asks GitHub who may press its buttons', async () => {
    const sha = await slipway.github.commit('acme/web', { branch: 'other', files: { '.github/slipway.yml': CONFIG } })
    const check = await slipway.github.completedCheck('acme/web', sha, 'pipeline/talk', 60_000)
    const [stranger, boss] = await Promise.all([browser.visitor(), browser.visitor()])
    await logInWithGitHub(stranger, 'stranger', `/runs/${check.external_id}`)
    expect(await stranger.page.getByRole('button', { name: 'Re-run' }).count()).toBe(0)
    await logInWithGitHub(boss, 'boss', `/runs/${check.external_id}`)
    await boss.page.getByRole('button', { name: 'Re-run' }).click()
    await boss.page.getByText('attempt 2', { exact: true }).waitFor()
    await boss.page.getByRole('button', { name: 'Cancel' }).click()
    await boss.page.locator('#run-head').getByText('cancelled', { exact: true }).waitFor()
    await Promise.all([stranger.close(), boss.close()])
  })
})

describe('every page', () => {
  it.each([false, true])('has no serious fault for those who see or type differently (dark: %s)', async (dark) => {
    const visitor = await browser.visitor({ dark, width: dark ? 400 : 1280 })
    await logInWithToken(visitor)
    for (const path of ['/', '/repos/acme/web', '/deliveries', '/settings', '/audit', '/docs', '/login']) {
      await visitor.page.goto(slipway.url + path)
      if (path === '/docs') await visitor.page.locator('.swagger-ui .opblock-tag').first().waitFor()
      // What Swagger UI draws is not ours to mend.
      const axe = await new AxeBuilder({ page: visitor.page }).exclude('#docs').analyze()
      expect({
        path,
        faults: axe.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical'),
      }).toEqual({ path, faults: [] })
      const overflow = await visitor.page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect({ path, overflow }).toEqual({ path, overflow: 0 })
    }
    expect(visitor.complaints).toEqual([])
    await visitor.close()
  })
})
