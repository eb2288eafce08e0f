/** GitHub: credentials, clocks, rights, and whether webhooks arrive. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { failed, ok, skipped, warning, type DoctorCheck, type Finding } from '../../cli/doctor-check.ts'
import { silentLogger } from '../../core/logger.ts'
import { connectGitHub, type GitHub } from '../../github/connect.ts'
import { apiUrlOf } from '../github-credentials.ts'
import type { Findings } from './findings.ts'

/** GitHub takes an App's own token only while clocks are about this close. */
const LARGEST_SKEW_MS = 30_000
const LOOKED_AT_DELIVERIES = 30
const NO_APP = skipped('there is no App yet')
/** Each includes those before it. */
const LEVELS = ['read', 'write', 'admin']

const manifestShape = z.object({
  default_permissions: z.record(z.string(), z.string()),
  default_events: z.array(z.string()),
})
const appShape = z.object({
  slug: z.string().optional(),
  permissions: z.record(z.string(), z.string().optional()),
  events: z.array(z.string()),
})
type App = z.output<typeof appShape>

export function githubChecks(found: Findings): readonly DoctorCheck[] {
  const { settings } = found
  if (settings === null) return []
  let github: GitHub | null = null
  let app: App | null = null
  let clockSkewMs: number | null = null
  const connected = (): GitHub | null => {
    if (found.credentials === null) return null
    return (github ??= connectGitHub(apiUrlOf(settings), found.credentials, silentLogger))
  }
  return [
    {
      name: 'GitHub',
      fix: 'Check APP_ID and the private key, and that this machine reaches GitHub (GHE_HOST for an Enterprise Server).',
      async look() {
        const client = connected()
        if (client === null) return NO_APP
        const asked = Date.now()
        const answer = await client.app().rest.apps.getAuthenticated()
        app = appShape.parse(answer.data)
        const said = Date.parse(answer.headers.date ?? '')
        if (Number.isFinite(said)) clockSkewMs = said - (asked + Date.now()) / 2
        return ok(`the App ${app.slug ?? ''} answers`)
      },
    },
    {
      name: 'clock',
      fix: 'Set the clock of this machine, best by NTP.',
      look: () => Promise.resolve(clock(clockSkewMs)),
    },
    {
      name: 'permissions of the App',
      fix: 'Bring app.yml back: it says what Slipway needs.',
      look: async () => (app === null ? NO_APP : permissions(app, await manifest())),
    },
    {
      name: 'events of the App',
      fix: 'Bring app.yml back: it says what Slipway needs.',
      look: async () => (app === null ? NO_APP : events(app, await manifest())),
    },
    {
      name: 'webhook address',
      fix: "Correct the webhook in the App's settings on GitHub.",
      async look() {
        const client = connected()
        if (client === null || app === null) return NO_APP
        const { data } = await client.app().rest.apps.getWebhookConfigForApp()
        const own = `${settings.baseUrl}${settings.webhookPath}`
        const wanted = settings.webhookProxyUrl ?? own
        if (data.url === wanted) return ok(wanted)
        return warning(
          `GitHub sends to ${data.url ?? 'nowhere'}, expected ${wanted}`,
          "Correct the webhook URL in the App's settings on GitHub, or BASE_URL here.",
        )
      },
    },
    {
      name: 'webhooks arrive',
      fix: 'Let GitHub reach the address of the webhook.',
      async look() {
        const client = connected()
        if (client === null || app === null) return NO_APP
        const { data } = await client.app().rest.apps.listWebhookDeliveries({ per_page: LOOKED_AT_DELIVERIES })
        return deliveries(data.map(({ status, status_code: code, event }) => ({ status, code, event })))
      },
    },
    {
      name: 'installations',
      fix: 'Install the App on an account.',
      async look() {
        const client = connected()
        if (client === null || app === null) return NO_APP
        const { data } = await client.app().rest.apps.listInstallations({ per_page: 100 })
        if (data.length === 0)
          return warning('it is installed nowhere', 'Install the App on an account or an organisation.')
        const suspended = data.filter(({ suspended_at: at }) => at != null).length
        return ok(`${data.length}${suspended === 0 ? '' : `, ${suspended} suspended`}`)
      },
    },
    {
      name: 'webhook proxy',
      fix: 'Correct WEBHOOK_PROXY_URL, or unset it where GitHub reaches this server itself.',
      async look() {
        if (settings.webhookProxyUrl === null) return skipped('WEBHOOK_PROXY_URL is not set')
        const answer = await fetch(settings.webhookProxyUrl)
        await answer.body?.cancel()
        return answer.ok
          ? ok(settings.webhookProxyUrl)
          : failed(`it answers ${answer.status}`, 'Correct WEBHOOK_PROXY_URL.')
      },
    },
    {
      name: 'log-in with GitHub',
      fix: 'Set GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET.',
      look: () =>
        Promise.resolve(
          settings.githubClientId === null || settings.githubClientSecret === null
            ? warning(
                'off: only the admin token opens the dashboard',
                'Set GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET; the set-up page does it by itself.',
              )
            : ok('on'),
        ),
    },
  ]
}

async function manifest(): Promise<z.output<typeof manifestShape>> {
  return manifestShape.parse(parse(await readFile(new URL('../../../app.yml', import.meta.url), 'utf8')))
}

function clock(skewMs: number | null): Finding {
  if (skewMs === null) return skipped('GitHub has not said what time it is')
  const text = `${(skewMs / 1000).toFixed(1)} s from GitHub's`
  return Math.abs(skewMs) > LARGEST_SKEW_MS ? failed(text, 'Set the clock of this machine, best by NTP.') : ok(text)
}

function permissions(app: App, wanted: z.output<typeof manifestShape>): Finding {
  const missing = Object.entries(wanted.default_permissions).filter(
    ([name, level]) => LEVELS.indexOf(app.permissions[name] ?? '') < LEVELS.indexOf(level),
  )
  if (missing.length === 0) return ok('all there')
  const list = missing.map(([name, level]) => `${name}: ${level}`).join(', ')
  return failed(
    `missing: ${list}`,
    "Grant them in the App's settings on GitHub; owners of installations then have to accept.",
  )
}

function events(app: App, wanted: z.output<typeof manifestShape>): Finding {
  const missing = wanted.default_events.filter((event) => !app.events.includes(event))
  if (missing.length === 0) return ok('all there')
  return failed(`missing: ${missing.join(', ')}`, "Subscribe to them in the App's settings on GitHub.")
}

function deliveries(
  recent: readonly { readonly status: string; readonly code: number; readonly event: string }[],
): Finding {
  if (recent.length === 0) return skipped('GitHub has sent nothing yet')
  const refused = recent.filter(({ code }) => code < 200 || code >= 300)
  if (refused.length === 0) return ok(`the last ${recent.length} arrived`)
  const [last] = refused
  const text = `${refused.length} of the last ${recent.length} failed, the last of them with ${last?.status} (${last?.event})`
  const fix =
    'Let GitHub reach the address of the webhook, and give both sides the same WEBHOOK_SECRET; what failed is asked for again by itself.'
  return refused.length === recent.length ? failed(text, fix) : warning(text, fix)
}
