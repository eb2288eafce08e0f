/** The "Authorize" page of the OAuth web flow: approved at once, or by the person whose name is given. */
import { randomBytes } from 'node:crypto'
import { html, page } from '../pages/html.ts'
import type { Answer } from '../rest/answer.ts'
import { ensureAccount } from '../world/accounts.ts'
import type { World } from '../world/world.ts'

/** GitHub's codes live ten minutes. Milliseconds. */
const codeLife = 600_000

export function authorizePerson(world: World, url: URL): Answer {
  const redirect = url.searchParams.get('redirect_uri') ?? ''
  if (url.searchParams.get('client_id') !== world.app.clientId)
    return page(404, 'Not found', html`<p>There is no app with this client id.</p>`)
  if (!URL.canParse(redirect)) return page(400, 'Bad request', html`<p>A redirect_uri is needed.</p>`)
  // `login` is GitHub's own hint which account to use; here it decides.
  const login = url.searchParams.get('login') ?? world.login.autoApproveAs
  if (login === undefined) return askWho(url)
  const code = randomBytes(10).toString('hex')
  world.grants.set(code, {
    code,
    userId: ensureAccount(world, login).id,
    redirectUri: redirect,
    challenge: url.searchParams.get('code_challenge') ?? undefined,
    expiresAt: world.now().getTime() + codeLife,
  })
  const back = new URL(redirect)
  back.searchParams.set('code', code)
  const state = url.searchParams.get('state')
  if (state !== null) back.searchParams.set('state', state)
  return { status: 302, headers: { location: back.href } }
}

function askWho(url: URL): Answer {
  const hidden = [...url.searchParams].map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  )
  return page(
    200,
    'Authorize',
    html`<form method="get" action="/login/oauth/authorize">
      ${hidden}<label>Sign in as <input name="login" required /></label> <button>Authorize</button>
    </form>`,
  )
}
