/** Who sent a request: nobody, the app by its JWT, an installation or a person by a token. */
import { verify } from 'node:crypto'
import { asObject, parseJson, whole } from '../json.ts'
import { accountOf } from '../world/accounts.ts'
import { recordProblem } from '../world/record-problem.ts'
import type { World } from '../world/world.ts'
import { refuse } from './answer.ts'
import type { Caller } from './call.ts'

/** GitHub takes no JWT that is meant to live longer. Seconds. */
const maxJwtLife = 600
/** Clocks differ. Seconds. */
const clockSkew = 60

export function authenticate(world: World, authorization: string | undefined): Caller {
  const credential = readCredential(authorization)
  if (credential === undefined) return { kind: 'anonymous' }
  if (credential.split('.').length === 3) {
    checkAppJwt(world, credential)
    return { kind: 'app' }
  }
  return callerOfToken(world, credential)
}

/** The token behind `Bearer`, `token`, or a basic password (`x-access-token:TOKEN`, as git sends it). */
export function readCredential(authorization: string | undefined): string | undefined {
  const [, scheme, value] = /^(\w+) +(\S+)$/.exec(authorization ?? '') ?? []
  if (value === undefined) return undefined
  if (scheme?.toLowerCase() !== 'basic') return value
  const decoded = Buffer.from(value, 'base64').toString()
  return decoded.slice(decoded.indexOf(':') + 1)
}

function callerOfToken(world: World, value: string): Caller {
  const token = world.tokens.get(value)
  if (token === undefined || token.kind === 'refresh' || token.revoked) throw refuse(401, 'Bad credentials')
  if (token.expiresAt <= world.now().getTime()) {
    recordProblem(world, 'expired-token', `a ${token.kind} token was used after its end`)
    throw refuse(401, 'Bad credentials')
  }
  if (token.kind === 'user' && token.userId !== null)
    return { kind: 'user', token, user: accountOf(world, token.userId) }
  const installation = world.installations.get(token.installationId ?? -1)
  if (installation === undefined || installation.deleted) throw refuse(401, 'Bad credentials')
  if (installation.suspendedAt !== null) throw refuse(403, 'This installation has been suspended')
  return { kind: 'installation', token, installation }
}

function checkAppJwt(world: World, jwt: string): void {
  const [head = '', claims = '', signature = ''] = jwt.split('.')
  const decode = (part: string) => asObject(parseJson(Buffer.from(part, 'base64url').toString()))
  if (
    decode(head)['alg'] !== 'RS256' ||
    !verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), world.app.publicKey, Buffer.from(signature, 'base64url'))
  ) {
    throw refuse(401, 'A JSON web token could not be decoded')
  }
  const payload = decode(claims)
  const now = Math.floor(world.now().getTime() / 1_000)
  const issuer = String(payload['iss'])
  if (issuer !== String(world.app.id) && issuer !== world.app.clientId)
    throw refuse(401, "'Issuer' claim ('iss') must be the app's id or client id")
  const issuedAt = whole(payload, 'iat')
  const expiresAt = whole(payload, 'exp')
  if (issuedAt === undefined || issuedAt > now + clockSkew)
    throw refuse(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    )
  if (expiresAt === undefined || expiresAt <= now)
    throw refuse(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    )
  if (expiresAt > now + maxJwtLife + clockSkew)
    throw refuse(401, "'Expiration time' claim ('exp') is too far in the future")
}
