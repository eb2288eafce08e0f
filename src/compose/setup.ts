/** Creating the GitHub App from `app.yml`: who may, what GitHub is told, and how the answer takes effect everywhere. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { errorMessage } from '../core/errors.ts'
import { remoteAddress } from '../http/require-scope.ts'
import { convertManifest } from '../github/convert-manifest.ts'
import type { StoredAppCredentials } from '../store/app-credentials.ts'
import type { AuditBook } from '../web/ports.ts'
import { createSetupRoutes } from '../web/setup-routes.tsx'
import { apiUrlOf, webUrlOf } from './github-credentials.ts'
import type { Foundation } from './foundation.ts'

const APP_FILE = new URL('../../app.yml', import.meta.url)
const TOKEN_SETTING = 'setup_token_hash'
/** Tells the other processes that the app exists now. */
const CREDENTIALS_CHANNEL = 'slipway_credentials'

const appShape = z.object({
  name: z.string(),
  description: z.string(),
  public: z.boolean(),
  default_permissions: z.record(z.string(), z.string()),
  default_events: z.array(z.string()),
})

export interface SetupLater {
  /** Credentials are there, or are others now. */
  onCredentials(credentials: StoredAppCredentials): Promise<void>
}

export function createSetup(base: Foundation, audit: AuditBook, later: SetupLater) {
  const { settings, installationSettings, logger } = base
  const { default_permissions: permissions, ...app } = appShape.parse(parse(readFileSync(APP_FILE, 'utf8')))
  const isConfigured = (): boolean => base.github.appId() !== null
  let stopListening: () => void = () => undefined

  async function takeOver(): Promise<void> {
    const credentials = settings.appId === null ? await base.credentials.load() : null
    if (credentials === null) return
    base.github.configure(credentials)
    await later.onCredentials(credentials)
  }

  return {
    /** Prints the way in while there is no app. The newest token is the valid one, whichever process printed it. */
    async start(): Promise<void> {
      stopListening = base.notifications.subscribe(CREDENTIALS_CHANNEL, () => {
        takeOver().catch((error: unknown) =>
          logger.error({ err: errorMessage(error) }, 'new credentials of the app could not be read'),
        )
      })
      if (isConfigured()) return
      const token = randomBytes(24).toString('base64url')
      await installationSettings.set(TOKEN_SETTING, createHash('sha256').update(token).digest('hex'))
      process.stdout.write(`No GitHub App yet. Create it here: ${settings.baseUrl}/setup?token=${token}\n`)
    },
    stop: () => stopListening(),
    routes: createSetupRoutes({
      isConfigured,
      async tokenHash() {
        const hash = await installationSettings.get(TOKEN_SETTING)
        return typeof hash === 'string' ? Buffer.from(hash, 'hex') : null
      },
      manifest: {
        ...app,
        url: settings.baseUrl,
        hook_attributes: {
          url: settings.webhookProxyUrl ?? `${settings.baseUrl}${settings.webhookPath}`,
          active: true,
        },
        redirect_url: `${settings.baseUrl}/setup/callback`,
        callback_urls: [`${settings.baseUrl}/login/callback`],
        default_permissions: permissions,
      },
      permissions: Object.entries(permissions),
      webUrl: webUrlOf(settings),
      baseUrl: settings.baseUrl,
      hasProxy: settings.webhookProxyUrl !== null,
      async adopt(code) {
        const { htmlUrl, ...credentials } = await convertManifest(apiUrlOf(settings), code)
        await base.credentials.save(credentials)
        await installationSettings.set(TOKEN_SETTING, null)
        await takeOver()
        await base.db.notify(CREDENTIALS_CHANNEL, '')
        logger.info({ appId: credentials.appId, slug: credentials.slug }, 'the GitHub App was created')
        return { name: credentials.slug, htmlUrl }
      },
      addressOf: remoteAddress,
      sealer: base.cipher,
      audit,
      logger,
    }),
  }
}
