/** Stands before the pages of every feature: one per process is enough, but nothing breaks with more. */
import { remoteAddress } from '../http/require-scope.ts'
import { createSessionStore } from '../store/sessions.ts'
import { createGuard, type Guard } from '../web/guard.ts'
import { createSessions, type Sessions } from '../web/sessions.ts'
import type { Foundation } from './foundation.ts'

export interface WebGuard {
  readonly guard: Guard
  readonly sessions: Sessions
}

export function createWebGuard(base: Foundation): WebGuard {
  const { baseUrl } = base.settings
  const sessions = createSessions({
    store: createSessionStore(base.db),
    sealer: base.cipher,
    checkToken: base.authenticate,
    addressOf: remoteAddress,
    isAdmin: (login) => base.serverConfig().admins.includes(login.toLowerCase()),
    baseUrl,
  })
  const guard = createGuard({
    sessions,
    checkToken: base.authenticate,
    addressOf: remoteAddress,
    baseUrl,
    isConfigured: () => base.github.appId() !== null,
  })
  return { guard, sessions }
}
