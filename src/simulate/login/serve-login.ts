/** The pages by which people sign in through the app and create apps; undefined when the path is none of theirs. */
import type { Answer } from '../rest/answer.ts'
import type { World } from '../world/world.ts'
import { authorizePerson } from './authorize-person.ts'
import { createAppFromManifest } from './create-app.ts'
import { exchangeCode } from './exchange-code.ts'
import type { LoginRequest } from './login-request.ts'

export function serveLogin(world: World, request: LoginRequest): Answer | undefined {
  const path = request.url.pathname
  if (path === '/login/oauth/authorize' && request.method === 'GET') return authorizePerson(world, request.url)
  if (path === '/login/oauth/access_token' && request.method === 'POST') return exchangeCode(world, request)
  if (/^(\/organizations\/[^/]+)?\/settings\/apps\/new$/.test(path)) return createAppFromManifest(world, request)
  return undefined
}
