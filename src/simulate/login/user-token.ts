/** Tokens that act for a person: eight hours, with one to refresh them that lives half a year. */
import { randomBytes } from 'node:crypto'
import type { Account, Token } from '../world/identities.ts'
import type { World } from '../world/world.ts'

/** Seconds. */
const accessLife = 8 * 3_600
const refreshLife = 184 * 24 * 3_600

export interface IssuedTokens {
  readonly access_token: string
  readonly expires_in: number
  readonly refresh_token: string
  readonly refresh_token_expires_in: number
  readonly scope: string
  readonly token_type: string
}

export function issueUserToken(world: World, user: Account): IssuedTokens {
  return {
    access_token: add(world, user, 'user', accessLife),
    expires_in: accessLife,
    refresh_token: add(world, user, 'refresh', refreshLife),
    refresh_token_expires_in: refreshLife,
    scope: '',
    token_type: 'bearer',
  }
}

function add(world: World, user: Account, kind: 'user' | 'refresh', life: number): string {
  const token: Token = {
    value: `${kind === 'user' ? 'ghu' : 'ghr'}_${randomBytes(24).toString('hex')}`,
    kind,
    installationId: null,
    userId: user.id,
    repositoryIds: null,
    permissions: world.app.permissions,
    expiresAt: world.now().getTime() + life * 1_000,
    revoked: false,
  }
  world.tokens.set(token.value, token)
  return token.value
}
