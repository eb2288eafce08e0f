/** Installations and their tokens, which may be narrowed to some repositories and permissions. */
import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../json.ts'
import { child, list, texts } from '../../json.ts'
import { presentInstallation } from '../../present/app.ts'
import { presentRepository } from '../../present/repository.ts'
import { accountOf, botAccount, findAccount } from '../../world/accounts.ts'
import type { Installation, Level, Permissions, Token } from '../../world/identities.ts'
import { covers, installationOf, installationsOf, repositoriesOf } from '../../world/installations.ts'
import { endInstallation, suspendInstallation } from '../../webhooks/installation-events.ts'
import type { Repository } from '../../world/repositories.ts'
import { noContent, notFound, ok, refuse, unprocessable } from '../answer.ts'
import { allows } from '../authorize.ts'
import type { Call, Handler } from '../call.ts'
import { pathNumber, pathText, reaches, theRepository } from '../call.ts'
import { countedAnswer, listAnswer } from '../page-list.ts'

/** Milliseconds. */
const tokenLife = 3_600_000

export const installationOperations = {
  'apps/list-installations': (call) =>
    listAnswer(call, installationsOf(call.world), (found) => presentInstallation(call.world, found)),
  'apps/get-installation': (call) => ok(presentInstallation(call.world, theInstallation(call))),
  'apps/get-repo-installation': (call) => {
    const found = installationOf(call.world, theRepository(call))
    if (found === undefined) throw notFound()
    return ok(presentInstallation(call.world, found))
  },
  'apps/get-org-installation': (call) =>
    ok(presentInstallation(call.world, installationAt(call, pathText(call, 'org'), 'Organization'))),
  'apps/get-user-installation': (call) =>
    ok(presentInstallation(call.world, installationAt(call, pathText(call, 'username'), 'User'))),
  'apps/delete-installation': (call) => {
    endInstallation(call.world, theInstallation(call), botAccount(call.world))
    return noContent
  },
  'apps/suspend-installation': (call) => {
    suspendInstallation(call.world, theInstallation(call), true, botAccount(call.world))
    return noContent
  },
  'apps/unsuspend-installation': (call) => {
    suspendInstallation(call.world, theInstallation(call), false, botAccount(call.world))
    return noContent
  },
  'apps/create-installation-access-token': (call) => {
    const installation = theInstallation(call)
    if (installation.suspendedAt !== null) throw refuse(403, 'This installation has been suspended')
    const repositories = chosenRepositories(call, installation)
    const permissions = chosenPermissions(installation, child(call.body, 'permissions'))
    const token: Token = {
      value: `ghs_${randomBytes(27).toString('base64url').replace(/[-_]/g, 'x')}`,
      kind: 'installation',
      installationId: installation.id,
      userId: null,
      repositoryIds: repositories === undefined ? null : new Set(repositories.map(({ id }) => id)),
      permissions,
      expiresAt: call.world.now().getTime() + tokenLife,
      revoked: false,
    }
    call.world.tokens.set(token.value, token)
    return ok(
      {
        token: token.value,
        expires_at: new Date(token.expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
        permissions,
        repository_selection: repositories === undefined ? installation.selection : 'selected',
        ...(repositories === undefined
          ? {}
          : { repositories: repositories.map((repository) => presentRepository(call.world, repository)) }),
      },
      201,
    )
  },
  'apps/revoke-installation-access-token': (call) => {
    if (call.caller.kind === 'installation') call.caller.token.revoked = true
    return noContent
  },
  'apps/list-repos-accessible-to-installation': (call) => {
    const { caller, world } = call
    if (caller.kind !== 'installation') throw notFound()
    const repositories = repositoriesOf(world, caller.installation).filter((repository) => reaches(caller, repository))
    return countedAnswer(
      call,
      'repositories',
      repositories,
      (repository) => presentRepository(world, repository, 'write'),
      {
        repository_selection: caller.installation.selection,
      },
    )
  },
} satisfies Record<string, Handler>

function theInstallation(call: Call): Installation {
  const found = call.world.installations.get(pathNumber(call, 'installation_id'))
  if (found === undefined || found.deleted) throw notFound()
  return found
}

function installationAt(call: Call, login: string, type: 'User' | 'Organization'): Installation {
  const account = findAccount(call.world, login)
  const found = installationsOf(call.world).find(
    ({ accountId }) => accountId === account?.id && accountOf(call.world, accountId).type === type,
  )
  if (found === undefined) throw notFound()
  return found
}

function chosenRepositories({ world, body }: Call, installation: Installation): Repository[] | undefined {
  const names = texts(body, 'repositories')
  const ids = list(body, 'repository_ids')
  if (names === undefined && ids === undefined) return undefined
  const covered = [...world.repositories.values()].filter((repository) => covers(installation, repository))
  const byName = (names ?? []).map((name) =>
    covered.find((repository) => repository.name.toLowerCase() === name.toLowerCase()),
  )
  const byId = (ids ?? []).map((id) => covered.find((repository) => repository.id === id))
  const chosen = [...byName, ...byId].filter((repository) => repository !== undefined)
  if (chosen.length !== byName.length + byId.length) {
    throw unprocessable(
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    )
  }
  return [...new Set(chosen)]
}

function chosenPermissions(installation: Installation, asked: JsonObject | undefined): Permissions {
  if (asked === undefined) return installation.permissions
  const chosen: Record<string, Level> = { metadata: 'read' }
  for (const [name, level] of Object.entries(asked)) {
    if (level !== 'read' && level !== 'write' && level !== 'admin') continue
    if (!allows(installation.permissions, name, level))
      throw unprocessable('The permissions requested are not granted to this installation.')
    chosen[name] = level
  }
  return chosen
}
