/** A repository, and who may do what in it. */
import { presentAccount } from '../../present/account.ts'
import { presentRepository, presentRole } from '../../present/repository.ts'
import { accountOf, findAccount } from '../../world/accounts.ts'
import { roleOf } from '../../world/find-repository.ts'
import type { Role } from '../../world/repositories.ts'
import { notFound, ok } from '../answer.ts'
import type { Handler } from '../call.ts'
import { pathText, theRepository } from '../call.ts'
import { listAnswer } from '../page-list.ts'

export const repositoryOperations = {
  'repos/get': (call) => {
    const role = call.caller.kind === 'user' ? roleOf(call.world, theRepository(call), call.caller.user.id) : 'read'
    return ok(presentRepository(call.world, theRepository(call), role))
  },
  'repos/get-collaborator-permission-level': (call) => {
    const user = findAccount(call.world, pathText(call, 'username'))
    if (user === undefined) throw notFound()
    const role = roleOf(call.world, theRepository(call), user.id)
    const shown = { ...presentAccount(call.world, user), permissions: presentRole(role), role_name: role }
    return ok({ permission: coarse(role), role_name: role, user: shown })
  },
  'repos/list-collaborators': (call) => {
    const repository = theRepository(call)
    const ids = [
      repository.ownerId,
      ...accountOf(call.world, repository.ownerId).owners,
      ...repository.collaborators.keys(),
    ]
    const people = [...new Set(ids)].map((id) => accountOf(call.world, id)).filter(({ type }) => type === 'User')
    return listAnswer(call, people, (person) => {
      const role = roleOf(call.world, repository, person.id)
      return { ...presentAccount(call.world, person), permissions: presentRole(role), role_name: role }
    })
  },
} satisfies Record<string, Handler>

/** This answer knows four levels only; `role_name` has the finer word. */
function coarse(role: Role): string {
  if (role === 'maintain') return 'write'
  return role === 'triage' ? 'read' : role
}
