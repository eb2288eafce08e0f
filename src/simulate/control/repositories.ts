/** People and repositories: made, changed, forked, shared. */
import { join } from 'node:path'
import { createBareRepository, fetchFrom, readRefs, setHead } from '../git/bare-repository.ts'
import { writeCommit } from '../git/write-commit.ts'
import type { JsonObject } from '../json.ts'
import { child, flag, text, texts } from '../json.ts'
import { presentAccount } from '../present/account.ts'
import { presentRepository } from '../present/repository.ts'
import { refuse } from '../rest/answer.ts'
import { emitWebhook } from '../webhooks/emit-webhook.ts'
import { ensureAccount } from '../world/accounts.ts'
import { findRepository, fullName } from '../world/find-repository.ts'
import type { Account } from '../world/identities.ts'
import type { Repository, Role } from '../world/repositories.ts'
import { issueUserToken } from '../login/user-token.ts'
import type { World } from '../world/world.ts'
import type { ControlCall, ControlRoute } from './control-route.ts'
import { needRepository, needText, senderOf } from './control-route.ts'
import { ensureInstallation } from './installations.ts'
import { readFiles } from './read-files.ts'

export const repositoryRoutes: readonly ControlRoute[] = [
  {
    method: 'PUT',
    path: '/users',
    answer: (call) => {
      const account = ensureAccount(
        call.world,
        needText(call, 'login'),
        text(call.body, 'type') === 'Organization' ? 'Organization' : 'User',
      )
      for (const login of texts(call.body, 'owners') ?? []) account.owners.add(ensureAccount(call.world, login).id)
      return presentAccount(call.world, account)
    },
  },
  {
    method: 'POST',
    path: '/users/:login/token',
    answer: (call) => ({
      token: issueUserToken(call.world, ensureAccount(call.world, call.path['login'] ?? '')).access_token,
    }),
  },
  { method: 'PUT', path: '/repos', answer: (call) => createRepository(call) },
  { method: 'GET', path: '/repos/:owner/:name', answer: (call) => show(call.world, needRepository(call)) },
  { method: 'PUT', path: '/repos/:owner/:name/settings', answer: (call) => changeSettings(call) },
  {
    method: 'DELETE',
    path: '/repos/:owner/:name',
    answer: (call) => {
      const repository = needRepository(call)
      announce(call, repository, 'deleted', {})
      repository.deleted = true
      return {}
    },
  },
  {
    method: 'PUT',
    path: '/repos/:owner/:name/collaborators',
    answer: (call) => {
      needRepository(call).collaborators.set(
        ensureAccount(call.world, needText(call, 'login')).id,
        readRole(needText(call, 'role')),
      )
      return {}
    },
  },
  { method: 'POST', path: '/repos/:owner/:name/forks', answer: (call) => fork(call) },
]

async function createRepository(call: ControlCall): Promise<JsonObject> {
  const { world, body } = call
  const owner = ensureAccount(
    world,
    needText(call, 'owner'),
    flag(body, 'organization') === true ? 'Organization' : 'User',
  )
  const repository = await addRepository(world, owner, needText(call, 'name'), {
    private: flag(body, 'private') ?? false,
    defaultBranch: text(body, 'defaultBranch') ?? 'main',
    description: text(body, 'description') ?? '',
    parent: undefined,
  })
  const files = child(body, 'files')
  if (files !== undefined) {
    const sender = senderOf(call, repository)
    const author = { name: sender.name, email: sender.email, date: world.now().toISOString() }
    await writeCommit(repository, {
      branch: repository.defaultBranch,
      parent: undefined,
      message: 'First commit',
      author,
      files: readFiles(files),
    })
    // What a repository is created with is no push: nobody is told.
    repository.refs = await readRefs(repository.directory)
  }
  if (flag(body, 'install') !== false) ensureInstallation(world, owner, senderOf(call, repository), repository)
  return show(world, repository)
}

async function addRepository(
  world: World,
  owner: Account,
  name: string,
  how: { private: boolean; defaultBranch: string; description: string; parent: Repository | undefined },
): Promise<Repository> {
  if (findRepository(world, owner.login, name) !== undefined) throw refuse(422, `${owner.login}/${name} exists already`)
  const id = world.nextId()
  const at = world.now().toISOString()
  const repository: Repository = {
    id,
    ownerId: owner.id,
    name,
    formerNames: new Set(),
    private: how.private,
    archived: false,
    deleted: false,
    description: how.description,
    defaultBranch: how.defaultBranch,
    parentId: how.parent?.id ?? null,
    collaborators: new Map(),
    directory: join(world.dataDirectory, 'repositories', `${id}.git`),
    refs: new Map(),
    knownCommits: new Map(),
    turn: Promise.resolve(),
    createdAt: at,
    pushedAt: at,
  }
  world.repositories.set(id, repository)
  await createBareRepository(repository.directory, how.defaultBranch)
  return repository
}

async function fork(call: ControlCall): Promise<JsonObject> {
  const parent = needRepository(call)
  const owner = ensureAccount(call.world, needText(call, 'owner'))
  const { private: hidden, defaultBranch, description } = parent
  const made = await addRepository(call.world, owner, parent.name, {
    private: hidden,
    defaultBranch,
    description,
    parent,
  })
  await fetchFrom(made.directory, parent.directory, '+refs/heads/*:refs/heads/*')
  made.refs = await readRefs(made.directory)
  return show(call.world, made)
}

async function changeSettings(call: ControlCall): Promise<JsonObject> {
  const { world, body } = call
  const repository = needRepository(call)
  const former = fullName(world, repository).toLowerCase()
  const { name, ownerId } = repository
  const newName = text(body, 'name')
  const newOwner = text(body, 'owner')
  const branch = text(body, 'defaultBranch')
  if (newName !== undefined && newName !== name) {
    repository.formerNames.add(former)
    repository.name = newName
    announce(call, repository, 'renamed', { changes: { repository: { name: { from: name } } } })
  }
  if (newOwner !== undefined) {
    repository.formerNames.add(former)
    repository.ownerId = ensureAccount(world, newOwner).id
    const from = world.accounts.get(ownerId)
    announce(call, repository, 'transferred', {
      changes: { owner: { from: from === undefined ? {} : { user: presentAccount(world, from) } } },
    })
  }
  const hidden = flag(body, 'private')
  if (hidden !== undefined && hidden !== repository.private) {
    repository.private = hidden
    announce(call, repository, hidden ? 'privatized' : 'publicized', {})
  }
  if (flag(body, 'archived') === true && !repository.archived) {
    repository.archived = true
    announce(call, repository, 'archived', {})
  }
  if (branch !== undefined && branch !== repository.defaultBranch) {
    const from = repository.defaultBranch
    repository.defaultBranch = branch
    await setHead(repository.directory, branch)
    announce(call, repository, 'edited', { changes: { default_branch: { from } } })
  }
  return show(world, repository)
}

function announce(call: ControlCall, repository: Repository, action: string, payload: JsonObject): void {
  emitWebhook(call.world, { event: 'repository', action, sender: senderOf(call, repository), repository, payload })
}

function show(world: World, repository: Repository): JsonObject {
  const branches = [...repository.refs]
    .filter(([name]) => name.startsWith('refs/heads/'))
    .map(([name, { commit }]) => [name.slice('refs/heads/'.length), commit])
  return {
    ...presentRepository(world, repository),
    branches: Object.fromEntries(branches),
    head: repository.refs.get(`refs/heads/${repository.defaultBranch}`)?.commit ?? null,
  }
}

function readRole(value: string): Role {
  const roles: readonly Role[] = ['admin', 'maintain', 'write', 'triage', 'read', 'none']
  const role = roles.find((candidate) => candidate === value)
  if (role === undefined) throw refuse(400, `"role" must be one of ${roles.join(', ')}`)
  return role
}
