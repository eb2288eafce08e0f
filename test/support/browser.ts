/** A real browser for one test: Debian's Chromium without a window, an empty profile, and what the pages complained of. */
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

/** Where Debian and others put it; `npm run setup -- --chromium` installs it. */
const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
/** A limit against hanging: other tests may keep the machine busy. */
const PATIENCE_MS = 60_000
const SWITCHES = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-proxy-server',
]

export interface TestBrowser {
  /** A new person: no cookies yet. */
  visitor(options?: { readonly dark?: boolean; readonly width?: number; readonly height?: number }): Promise<Visitor>
  close(): Promise<void>
}

export interface Visitor {
  readonly page: Page
  readonly context: BrowserContext
  /** What the browser refused or the scripts threw, the Content-Security-Policy's refusals among them. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

export async function startBrowser(): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({ executablePath: EXECUTABLE, chromiumSandbox: false, args: SWITCHES })
  return {
    async visitor({ dark = false, width = 1280, height = 900 } = {}) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: dark ? 'dark' : 'light',
        locale: 'en-GB',
        timezoneId: 'UTC',
      })
      const page = await context.newPage()
      page.setDefaultTimeout(PATIENCE_MS)
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
      return { page, context, complaints, close: () => context.close() }
    },
    close: () => browser.close(),
  }
}
