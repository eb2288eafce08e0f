/** Accounts are made when they are first named: a test that says "alice pushes" need not create her before. */
import type { Account } from './identities.ts'
import type { World } from './world.ts'

export function findAccount(world: World, login: string): Account | undefined {
  const wanted = login.toLowerCase()
  return [...world.accounts.values()].find((account) => account.login.toLowerCase() === wanted)
}

export function ensureAccount(world: World, login: string, type: Account['type'] = 'User'): Account {
  const known = findAccount(world, login)
  if (known !== undefined) return known
  const account: Account = {
    id: world.nextId(),
    login,
    type,
    name: login,
    // Brackets, as in the name of an app's account, have no place in an address.
    email: `${login.replace(/[^\w.-]/g, '')}@users.noreply.localhost`,
    owners: new Set(),
    createdAt: world.now().toISOString(),
  }
  world.accounts.set(account.id, account)
  return account
}

/** The account of an id that the world itself wrote down. */
export function accountOf(world: World, id: number): Account {
  const account = world.accounts.get(id)
  if (account === undefined) throw new Error(`no account ${id} in the simulated GitHub`)
  return account
}

/** The app's own account, which acts when the app writes. */
export function botAccount(world: World): Account {
  return ensureAccount(world, `${world.app.slug}[bot]`)
}
