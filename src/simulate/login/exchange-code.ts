/** A code, or a refresh token, for tokens that act for a person. Errors are answered 200, as GitHub does. */
import { createHash } from 'node:crypto'
import type { Json } from '../json.ts'
import type { Answer } from '../rest/answer.ts'
import { accountOf } from '../world/accounts.ts'
import type { World } from '../world/world.ts'
import type { LoginRequest } from './login-request.ts'
import { readFields } from './login-request.ts'
import { issueUserToken } from './user-token.ts'

export function exchangeCode(world: World, request: LoginRequest): Answer {
  const result = exchange(world, readFields(request))
  if (request.accept.includes('json')) return { status: 200, body: result }
  const form = new URLSearchParams(Object.entries(result).map(([key, value]): [string, string] => [key, String(value)]))
  return {
    status: 200,
    raw: Buffer.from(form.toString()),
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  }
}

function exchange(world: World, fields: URLSearchParams): Readonly<Record<string, Json>> {
  if (fields.get('client_id') !== world.app.clientId || fields.get('client_secret') !== world.app.clientSecret) {
    return failure('incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.')
  }
  if (fields.get('grant_type') === 'refresh_token') return refresh(world, fields.get('refresh_token') ?? '')
  const grant = world.grants.get(fields.get('code') ?? '')
  // A code is good for one exchange, also a failed one.
  world.grants.delete(fields.get('code') ?? '')
  if (grant === undefined || grant.expiresAt < world.now().getTime())
    return failure('bad_verification_code', 'The code passed is incorrect or expired.')
  const redirect = fields.get('redirect_uri')
  if (redirect !== null && redirect !== grant.redirectUri)
    return failure(
      'redirect_uri_mismatch',
      'The redirect_uri MUST match the registered callback URL for this application.',
    )
  if (grant.challenge !== undefined && challengeOf(fields.get('code_verifier') ?? '') !== grant.challenge) {
    return failure('bad_verification_code', 'The code_verifier does not match the code_challenge.')
  }
  return { ...issueUserToken(world, accountOf(world, grant.userId)) }
}

function refresh(world: World, value: string): Readonly<Record<string, Json>> {
  const token = world.tokens.get(value)
  if (token?.kind !== 'refresh' || token.userId === null || token.revoked || token.expiresAt < world.now().getTime()) {
    return failure('bad_refresh_token', 'The refresh token passed is incorrect or expired.')
  }
  world.tokens.delete(value)
  return { ...issueUserToken(world, accountOf(world, token.userId)) }
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

function failure(error: string, description: string): Readonly<Record<string, Json>> {
  return { error, error_description: description, error_uri: '/apps' }
}
