/** One request to the REST API, parsed, authenticated and matched, as its operation sees it. */
import type { JsonObject } from '../json.ts'
import type { Operation } from '../openapi/description.ts'
import { findCommit } from '../git/commits.ts'
import type { Account, Installation, Token } from '../world/identities.ts'
import type { Commit, Repository } from '../world/repositories.ts'
import { roleOf } from '../world/find-repository.ts'
import { covers } from '../world/installations.ts'
import type { World } from '../world/world.ts'
import type { Answer } from './answer.ts'
import { notFound, unprocessable } from './answer.ts'

export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'app' }
  | { readonly kind: 'installation'; readonly token: Token; readonly installation: Installation }
  | { readonly kind: 'user'; readonly token: Token; readonly user: Account }

export interface Call {
  readonly world: World
  readonly operation: Operation
  readonly caller: Caller
  readonly path: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: JsonObject
  readonly accept: string
  readonly url: URL
  /** Of paths that name one; already checked to be visible to the caller. */
  readonly repository: Repository | undefined
}

export type Handler = (call: Call) => Answer | Promise<Answer>

export function theRepository(call: Call): Repository {
  if (call.repository === undefined) throw notFound()
  return call.repository
}

export function pathNumber(call: Call, name: string): number {
  const value = Number(call.path[name])
  if (!Number.isSafeInteger(value)) throw notFound()
  return value
}

export function pathText(call: Call, name: string): string {
  return call.path[name] ?? ''
}

export async function theCommit(call: Call, ref: string): Promise<Commit> {
  const commit = await findCommit(theRepository(call), ref)
  if (commit === undefined) throw unprocessable(`No commit found for SHA: ${ref}`)
  return commit
}

/** 404 hides what one may not see, as on GitHub. */
export function maySee(world: World, caller: Caller, repository: Repository): boolean {
  if (repository.deleted) return false
  if (!repository.private) return true
  if (caller.kind === 'installation') return reaches(caller, repository)
  return caller.kind === 'user' && roleOf(world, repository, caller.user.id) !== 'none'
}

/** Whether an installation token was given for this repository. */
export function reaches(caller: Caller, repository: Repository): boolean {
  if (caller.kind !== 'installation' || !covers(caller.installation, repository)) return false
  return caller.token.repositoryIds === null || caller.token.repositoryIds.has(repository.id)
}
