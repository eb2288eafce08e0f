/** People, organizations, and what a signed-in person can reach through the app. */
import { presentAccount, presentFullAccount } from '../../present/account.ts'
import { apiUrl } from '../../present/addresses.ts'
import { presentInstallation } from '../../present/app.ts'
import { presentRepository } from '../../present/repository.ts'
import { findAccount } from '../../world/accounts.ts'
import { roleOf } from '../../world/find-repository.ts'
import type { Account } from '../../world/identities.ts'
import { installationsOf, repositoriesOf } from '../../world/installations.ts'
import type { Installation } from '../../world/identities.ts'
import type { Repository } from '../../world/repositories.ts'
import { notFound, ok, refuse } from '../answer.ts'
import type { Call, Handler } from '../call.ts'
import { pathNumber, pathText } from '../call.ts'
import { spendBudget } from '../rate-budget.ts'
import { countedAnswer } from '../page-list.ts'

export const accountOperations = {
  'users/get-authenticated': (call) => ok(presentFullAccount(call.world, theUser(call))),
  'users/get-by-username': (call) => ok(presentFullAccount(call.world, theAccount(call, pathText(call, 'username')))),
  'orgs/get': (call) => {
    const account = theAccount(call, pathText(call, 'org'))
    if (account.type !== 'Organization') throw notFound()
    return ok({ ...presentFullAccount(call.world, account), url: apiUrl(call.world, `/orgs/${account.login}`) })
  },
  'orgs/get-membership-for-user': (call) => {
    const organization = theAccount(call, pathText(call, 'org'))
    const user = theAccount(call, pathText(call, 'username'))
    if (!organization.owners.has(user.id)) throw notFound()
    const url = apiUrl(call.world, `/orgs/${organization.login}`)
    return ok({
      url: `${url}/memberships/${user.login}`,
      state: 'active',
      role: 'admin',
      organization_url: url,
      organization: { ...presentAccount(call.world, organization), url },
      user: presentAccount(call.world, user),
    })
  },
  'apps/list-installations-for-authenticated-user': (call) => {
    const user = theUser(call)
    const visible = installationsOf(call.world).filter((installation) => reachable(call, installation, user).length > 0)
    return countedAnswer(call, 'installations', visible, (installation) =>
      presentInstallation(call.world, installation),
    )
  },
  'apps/list-installation-repos-for-authenticated-user': (call) => {
    const user = theUser(call)
    const installation = call.world.installations.get(pathNumber(call, 'installation_id'))
    if (installation === undefined || installation.deleted) throw notFound()
    if (installation.suspendedAt !== null) throw refuse(403, 'This installation has been suspended')
    const repositories = reachable(call, installation, user)
    const present = (repository: Repository) =>
      presentRepository(call.world, repository, roleOf(call.world, repository, user.id))
    return countedAnswer(call, 'repositories', repositories, present, { repository_selection: installation.selection })
  },
  'rate-limit/get': (call) => {
    const { headers } = spendBudget(call.world, call.caller, 0)
    const core = {
      limit: Number(headers['x-ratelimit-limit']),
      remaining: Number(headers['x-ratelimit-remaining']),
      reset: Number(headers['x-ratelimit-reset']),
      used: Number(headers['x-ratelimit-used']),
    }
    return ok({ resources: { core, search: core }, rate: core })
  },
} satisfies Record<string, Handler>

/** What both the app and the person can reach; a public repository counts, as everybody can read it. */
function reachable({ world }: Call, installation: Installation, user: Account): Repository[] {
  return repositoriesOf(world, installation).filter((repository) => roleOf(world, repository, user.id) !== 'none')
}

function theUser(call: Call): Account {
  if (call.caller.kind !== 'user') throw refuse(401, 'Requires authentication')
  return call.caller.user
}

function theAccount(call: Call, login: string): Account {
  const account = findAccount(call.world, login)
  if (account === undefined) throw notFound()
  return account
}
