/** The one-click creation of an app: a page with one button, a code, and (by the REST API) what the code is worth. */
import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../json.ts'
import { asObject, child, parseJson, text, texts } from '../json.ts'
import { html, page } from '../pages/html.ts'
import { presentApp } from '../present/app.ts'
import type { Answer } from '../rest/answer.ts'
import { generateKeys } from '../world/create-world.ts'
import type { Level } from '../world/identities.ts'
import type { World } from '../world/world.ts'
import type { LoginRequest } from './login-request.ts'
import { readFields } from './login-request.ts'

/** The app's own page posts its manifest here; the person's one click is the second post. */
export function createAppFromManifest(world: World, request: LoginRequest): Answer {
  const fields = request.method === 'POST' ? readFields(request) : request.url.searchParams
  const source = fields.get('manifest')
  if (source === null) return page(200, 'Register an app', html`<p>Post a manifest here.</p>`)
  const manifest = asObject(parseJson(source))
  const redirect = text(manifest, 'redirect_url') ?? ''
  if (!URL.canParse(redirect)) return page(422, 'Register an app', html`<p>The manifest has no valid redirect_url.</p>`)
  const state = request.url.searchParams.get('state') ?? fields.get('state') ?? ''
  if (fields.get('confirmed') === null && world.login.autoApproveAs === undefined) {
    return page(
      200,
      'Register an app',
      html`<form method="post" action="${request.url.pathname}">
        <input type="hidden" name="manifest" value="${source}" /><input
          type="hidden"
          name="state"
          value="${state}"
        /><input type="hidden" name="confirmed" value="1" />
        <button>Create GitHub App ${text(manifest, 'name') ?? ''}</button>
      </form>`,
    )
  }
  const code = randomBytes(16).toString('hex')
  world.manifests.set(code, registerFromManifest(world, manifest))
  const back = new URL(redirect)
  back.searchParams.set('code', code)
  if (state !== '') back.searchParams.set('state', state)
  return { status: 302, headers: { location: back.href } }
}

/** The one app of this GitHub takes the manifest's name, rights and webhook, and new secrets. */
function registerFromManifest(world: World, manifest: JsonObject): JsonObject {
  const { app } = world
  const hook = child(manifest, 'hook_attributes')
  const permissions: Record<string, Level> = { metadata: 'read' }
  for (const [name, level] of Object.entries(child(manifest, 'default_permissions') ?? {})) {
    if (level === 'read' || level === 'write' || level === 'admin') permissions[name] = level
  }
  Object.assign(app, generateKeys(), {
    name: text(manifest, 'name') ?? app.name,
    clientSecret: randomBytes(20).toString('hex'),
    webhookSecret: randomBytes(16).toString('hex'),
    webhookUrl: hook === undefined ? app.webhookUrl : text(hook, 'url'),
    permissions,
    events: texts(manifest, 'default_events') ?? app.events,
  })
  return {
    ...presentApp(world),
    client_secret: app.clientSecret,
    webhook_secret: app.webhookSecret,
    pem: app.privateKey,
  }
}
