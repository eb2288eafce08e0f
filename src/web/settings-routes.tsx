/** The routes of the settings. Every change is written to the audit log by the store that makes it. */
import type { Context } from 'hono'
import { z } from 'zod'
import { DURATION_FORM, parseDuration } from '../core/duration.ts'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { reveal } from '../core/secret.ts'
import type { ServerConfig } from '../config/server-config.ts'
import { createPageRouter, type Guard } from './guard.ts'
import type { HostRecord, SecretBook, TokenBook } from './ports.ts'
import { sessionOf, type WebEnv } from './session.ts'
import { SettingsPage, TOKEN_SCOPES, type SettingsView } from './settings-page.tsx'

/** As long as an environment variable may reasonably be. */
const LONGEST_SECRET = 64 * 1024
/** Masking shorter ones in logs would hide half of every line. */
const SHORTEST_SECRET = 4

export const secretForm = z.object({
  repository: z.string().regex(/^[\w.-]{1,100}\/(?:[\w.-]{1,100}|\*)$/, 'repository: write owner/name or owner/*'),
  name: z.string().regex(/^[A-Za-z_]\w{0,127}$/, 'name: letters, digits and underscores'),
  value: z
    .string()
    .min(SHORTEST_SECRET, `value: at least ${SHORTEST_SECRET} characters, shorter ones cannot be hidden in logs`)
    .max(LONGEST_SECRET, 'value: at most 64 KiB'),
})
const tokenForm = z.object({
  name: z.string().trim().min(1, 'name: cannot be blank').max(100),
  scope: z.enum(TOKEN_SCOPES, 'scope: is not one'),
  expires_in: z
    .string()
    .trim()
    .transform((text) => (text === '' ? null : (parseDuration(text) ?? Number.NaN)))
    .refine((milliseconds) => milliseconds === null || milliseconds > 0, `ends after: must be ${DURATION_FORM}`),
})

export interface SettingsDeps {
  readonly guard: Guard
  readonly hosts: () => Promise<readonly HostRecord[]>
  readonly config: () => ServerConfig
  readonly secrets: SecretBook
  readonly tokens: TokenBook
  readonly logger: Logger
}

export function createSettingsRoutes(deps: SettingsDeps) {
  const { guard } = deps
  const routes = createPageRouter(deps.logger)

  routes.get('/settings', guard.admin, (context) => page(context))

  routes.post('/settings/secrets', guard.admin, async (context) => {
    const form = secretForm.safeParse(await context.req.parseBody())
    if (!form.success) return await page(context, { problem: form.error.issues[0]?.message ?? '' }, 422)
    await deps.secrets.put(form.data, sessionOf(context).actor)
    return context.redirect('/settings#secrets', 303)
  })

  routes.post('/settings/secrets/remove', guard.admin, async (context) => {
    const form = secretForm.omit({ value: true }).safeParse(await context.req.parseBody())
    const isRemoved =
      form.success && (await deps.secrets.remove(form.data.repository, form.data.name, sessionOf(context).actor))
    if (!isRemoved) throw new SlipwayError('not_found', 'there is no such secret any more')
    return context.redirect('/settings#secrets', 303)
  })

  // The answer shows the token, so it is a page and no redirect: nothing keeps the token in between.
  routes.post('/settings/tokens', guard.admin, async (context) => {
    const form = tokenForm.safeParse(await context.req.parseBody())
    if (!form.success) return await page(context, { problem: form.error.issues[0]?.message ?? '' }, 422)
    const { name, scope, expires_in: ttlMs } = form.data
    const { token } = await deps.tokens.issue({ name, scope, pools: null, ttlMs }, sessionOf(context).actor)
    context.header('cache-control', 'no-store')
    return await page(context, { issued: { name, token: reveal(token) } }, 201)
  })

  routes.post('/settings/tokens/:id/revoke', guard.admin, async (context) => {
    const id = z.uuid().safeParse(context.req.param('id'))
    const isRevoked = id.success && (await deps.tokens.revoke(id.data, sessionOf(context).actor))
    if (!isRevoked) throw new SlipwayError('not_found', 'there is no such token any more')
    return context.redirect('/settings#tokens', 303)
  })
  return routes

  async function page(
    context: Context<WebEnv>,
    news: Partial<Pick<SettingsView, 'issued' | 'problem'>> = {},
    status: 200 | 201 | 422 = 200,
  ): Promise<Response> {
    const [hosts, secrets, tokens] = await Promise.all([deps.hosts(), deps.secrets.list(), deps.tokens.list()])
    const view = {
      session: sessionOf(context),
      hosts,
      secrets,
      tokens,
      config: deps.config(),
      issued: null,
      problem: null,
      ...news,
    }
    return await context.html(<SettingsPage view={view} />, status)
  }
}
