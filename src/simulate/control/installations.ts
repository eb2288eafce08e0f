/** Owners install the app, give and take repositories, suspend and remove it. */
import type { JsonObject } from '../json.ts'
import { child, text, texts } from '../json.ts'
import { presentInstallation } from '../present/app.ts'
import { refuse } from '../rest/answer.ts'
import {
  announceInstallation,
  changeRepositories,
  endInstallation,
  suspendInstallation,
} from '../webhooks/installation-events.ts'
import { accountOf, ensureAccount } from '../world/accounts.ts'
import { findRepository } from '../world/find-repository.ts'
import type { Account, Installation, Level, Permissions } from '../world/identities.ts'
import { installationsOf } from '../world/installations.ts'
import type { Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import type { ControlCall, ControlRoute } from './control-route.ts'
import { needNumber, needText, senderOf } from './control-route.ts'

export const installationRoutes: readonly ControlRoute[] = [
  {
    method: 'POST',
    path: '/installations',
    answer: (call) => {
      const account = ensureAccount(call.world, needText(call, 'account'))
      const names = texts(call.body, 'repositories')
      const permissions = child(call.body, 'permissions')
      const installation = addInstallation(call.world, account, {
        repositories: names?.map((name) => namedRepository(call.world, account, name)),
        permissions: permissions === undefined ? call.world.app.permissions : readPermissions(permissions),
      })
      announceInstallation(call.world, installation, 'created', senderOf(call))
      return presentInstallation(call.world, installation)
    },
  },
  { method: 'POST', path: '/installations/:id/:verb', answer: (call) => changeInstallation(call) },
]

/** A repository made for a test is meant to be served: the app is installed on all of its owner's. */
export function ensureInstallation(world: World, account: Account, sender: Account, repository: Repository): void {
  const known = installationsOf(world).find(({ accountId }) => accountId === account.id)
  if (known === undefined) {
    const installation = addInstallation(world, account, {
      repositories: undefined,
      permissions: world.app.permissions,
    })
    announceInstallation(world, installation, 'created', sender)
  } else if (known.selection === 'selected' && !known.repositoryIds.has(repository.id)) {
    changeRepositories(world, known, { added: [repository], removed: [], sender })
  }
}

function addInstallation(
  world: World,
  account: Account,
  how: { repositories: readonly Repository[] | undefined; permissions: Permissions },
): Installation {
  const at = world.now().toISOString()
  const installation: Installation = {
    id: world.nextId(),
    accountId: account.id,
    selection: how.repositories === undefined ? 'all' : 'selected',
    repositoryIds: new Set(how.repositories?.map(({ id }) => id)),
    permissions: how.permissions,
    events: world.app.events,
    suspendedAt: null,
    suspendedBy: null,
    deleted: false,
    createdAt: at,
    updatedAt: at,
  }
  world.installations.set(installation.id, installation)
  return installation
}

function changeInstallation(call: ControlCall): JsonObject {
  const { world } = call
  const installation = world.installations.get(needNumber(call, 'id'))
  if (installation === undefined || installation.deleted) throw refuse(404, 'there is no such installation')
  const sender = senderOf(call)
  const account = accountOf(world, installation.accountId)
  const named = (key: string): Repository[] =>
    (texts(call.body, key) ?? []).map((name) => namedRepository(world, account, name))
  switch (call.path['verb']) {
    case 'delete':
      endInstallation(world, installation, sender)
      break
    case 'suspend':
    case 'unsuspend':
      suspendInstallation(world, installation, call.path['verb'] === 'suspend', sender)
      break
    case 'permissions':
      installation.permissions = readPermissions(child(call.body, 'permissions') ?? {})
      announceInstallation(world, installation, 'new_permissions_accepted', sender)
      break
    case 'repositories':
      changeRepositories(world, installation, { added: named('added'), removed: named('removed'), sender })
      break
    default:
      throw refuse(404, `an installation cannot ${call.path['verb'] ?? ''}`)
  }
  return presentInstallation(world, installation)
}

function namedRepository(world: World, account: Account, name: string): Repository {
  const found = findRepository(world, account.login, name.split('/').at(-1) ?? name)
  if (found === undefined) throw refuse(404, `there is no repository ${account.login}/${name}`)
  return found
}

function readPermissions(from: JsonObject): Permissions {
  const permissions: Record<string, Level> = {}
  for (const name of Object.keys(from)) {
    const level = text(from, name)
    if (level === 'read' || level === 'write' || level === 'admin') permissions[name] = level
  }
  return permissions
}
