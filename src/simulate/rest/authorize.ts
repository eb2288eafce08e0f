/** Refuses a caller who lacks what an operation needs, in GitHub's words, and notes it: a client should know its rights. */
import { mayPush, roleOf } from '../world/find-repository.ts'
import type { Level, Permissions } from '../world/identities.ts'
import { recordProblem } from '../world/record-problem.ts'
import type { Repository } from '../world/repositories.ts'
import type { World } from '../world/world.ts'
import type { ServedOperation } from '../openapi/served-operations.ts'
import { notFound, refuse } from './answer.ts'
import type { Caller } from './call.ts'
import { maySee, reaches } from './call.ts'
import type { OperationRight } from './operation-rights.ts'
import { operationRights } from './operation-rights.ts'

const ladder: readonly Level[] = ['read', 'write', 'admin']

export function allows(granted: Permissions, name: string, level: Level): boolean {
  const given = granted[name] ?? (name === 'metadata' ? 'read' : undefined)
  return given !== undefined && ladder.indexOf(given) >= ladder.indexOf(level)
}

export function authorize(
  world: World,
  operation: ServedOperation,
  caller: Caller,
  repository: Repository | undefined,
): void {
  const right = operationRights[operation]
  checkKind(world, operation, right, caller)
  if (right.by === 'app' || right.by === 'user') return
  if (repository !== undefined && !maySee(world, caller, repository)) throw notFound()
  const [name, level] = right.permission ?? []
  if (name === undefined || level === undefined) return
  if (
    caller.kind === 'user' &&
    level !== 'read' &&
    repository !== undefined &&
    !mayPush(roleOf(world, repository, caller.user.id))
  ) {
    throw refuse(403, 'Resource not accessible by integration')
  }
  if (caller.kind !== 'installation') return
  // What is public may be read without having been granted.
  const isPublicRead = level === 'read' && repository !== undefined && !repository.private
  const granted =
    (repository === undefined || reaches(caller, repository)) && allows(caller.token.permissions, name, level)
  if (granted || isPublicRead) return
  recordProblem(world, 'permission', `${operation} needs ${name}:${level}`, operation)
  throw refuse(
    403,
    'Resource not accessible by integration',
    {},
    { 'x-accepted-github-permissions': `${name}=${level}` },
  )
}

function checkKind(world: World, operation: ServedOperation, { by }: OperationRight, caller: Caller): void {
  if (
    by === 'anyone' ||
    caller.kind === by ||
    (by === 'token' && (caller.kind === 'installation' || caller.kind === 'user'))
  )
    return
  recordProblem(world, 'permission', `${operation} was called as ${caller.kind}`, operation)
  if (by === 'app') throw refuse(401, 'A JSON web token could not be decoded')
  if (caller.kind === 'anonymous' || caller.kind === 'app') throw refuse(401, 'Requires authentication')
  throw refuse(403, 'Resource not accessible by integration')
}
