/** The shape of a control route, and readers of its JSON that say what is missing. */
import type { Json, JsonObject } from '../json.ts'
import { text } from '../json.ts'
import { ensureAccount } from '../world/accounts.ts'
import { findRepository } from '../world/find-repository.ts'
import type { Account } from '../world/identities.ts'
import type { Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import { refuse } from '../rest/answer.ts'

export interface ControlCall {
  readonly world: World
  /** Named groups of the route's path. */
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: JsonObject
}

export interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `/repos/:owner/:name/commits` */
  readonly path: string
  readonly answer: (call: ControlCall) => Json | Promise<Json>
}

export function needText(call: ControlCall, key: string): string {
  const value = text(call.body, key) ?? call.query.get(key)
  if (value === null || value === '') throw refuse(400, `"${key}" is missing`)
  return value
}

export function needRepository(call: ControlCall): Repository {
  const repository = findRepository(call.world, call.path['owner'] ?? '', call.path['name'] ?? '')
  if (repository === undefined)
    throw refuse(404, `there is no repository ${call.path['owner'] ?? ''}/${call.path['name'] ?? ''}`)
  return repository
}

export function needNumber(call: ControlCall, key: string): number {
  const value = Number(call.path[key])
  if (!Number.isSafeInteger(value)) throw refuse(400, `"${key}" is not a number`)
  return value
}

/** Who does it: the named person, else the repository's owner, else the app's. */
export function senderOf(call: ControlCall, repository?: Repository): Account {
  const login = text(call.body, 'user') ?? call.query.get('user')
  if (login !== null && login !== undefined) return ensureAccount(call.world, login)
  const owner = repository === undefined ? undefined : call.world.accounts.get(repository.ownerId)
  return owner?.type === 'User' ? owner : ensureAccount(call.world, 'octocat')
}
