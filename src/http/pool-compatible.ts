/**
 * The API of ci-instance-pooling, as its GitHub Action calls it. Paths, bodies and statuses are a contract, typing
 * errors included; richer data belongs to `/api/v1/pools`. Every route asks for the token before it looks at anything.
 */
import { Hono, type Context } from 'hono'
import {
  clientProblem,
  DEFAULT_POOL,
  retryAfterSeconds,
  reserveConnected,
  tokenContext,
  type Answer,
  type Instance,
  type Pool,
  type Reservation,
  type ReserveDeps,
  type TokenCipher,
} from '../pool/index.ts'
import { mayUse, mayUsePool, type Authenticate, type Identity } from './authenticate.ts'
import { readNumber, readParameters, type Parameters } from './compatible-parameters.ts'
import { isBodyTooLarge } from './limit-body.ts'
import { remoteAddress } from './require-scope.ts'

/** The longest a request may stand in the line, in seconds. */
const MAX_WAIT_S = 600
const MAX_BODY_BYTES = 2 * 1024 * 1024
const MAX_PAGE = 1000
const MASKED = '***'

const NOT_AUTHORIZED = { errors: { base: 'not authorized' } }
const NOT_FOUND = { error: 'instance not found' }
const RESERVED_ALREADY = { error: 'Instance already reserved. Please release or wait for auto-realeasing' }
const NONE_AVAILABLE = { error: 'no available instances' }

export interface CompatiblePoolDeps extends ReserveDeps {
  readonly authenticate: Authenticate
  readonly cipher: TokenCipher
  /** `POOL_LIST_TOKENS` */
  readonly listTokens: boolean
  readonly newId: () => string
}

interface Env {
  readonly Variables: { identity: Identity; parameters: Parameters }
}

export function createCompatiblePoolRoutes(deps: CompatiblePoolDeps): Hono<Env> {
  const routes = new Hono<Env>()
  const paths = (...names: string[]): string[] =>
    names.flatMap((name) => [`/api/instances${name}`, `/api/instances${name}.json`])
  const listPaths = ['/api/instances', '/api/instances/', '/api/instances.json']
  for (const path of ['/api/instances', '/api/instances.json', '/api/instances/*']) {
    routes.use(path, authorize(deps.authenticate), limitBody, parseParameters)
  }
  routes.on(['GET', 'POST'], listPaths, (context) => list(context, deps))
  routes.on('POST', paths('/reserve'), (context) => reserveOne(context, deps))
  routes.on('POST', paths('/get-token'), (context) => getToken(context, deps))
  routes.on('DELETE', paths('/release'), (context) => release(context, deps))
  routes.on('POST', paths('/test'), (context) => context.json(NOT_FOUND))
  return routes
}

function authorize(authenticate: Authenticate) {
  return async (context: Context<Env>, next: () => Promise<void>) => {
    const answer = await authenticate(context.req.header('authorization'), remoteAddress(context))
    if (answer.kind === 'limited') {
      return context.json({ errors: { base: 'too many attempts' } }, 429, {
        'retry-after': String(answer.retryAfterSeconds),
      })
    }
    if (answer.kind === 'refused' || !mayUse(answer.identity, 'pool') || !mayUsePool(answer.identity, DEFAULT_POOL)) {
      return context.json(NOT_AUTHORIZED, 401)
    }
    context.set('identity', answer.identity)
    return next()
  }
}

async function limitBody(context: Context<Env>, next: () => Promise<void>) {
  if (!(await isBodyTooLarge(context, MAX_BODY_BYTES))) return next()
  return context.json({ errors: { body: `is larger than ${MAX_BODY_BYTES} bytes` } }, 413)
}

async function parseParameters(context: Context<Env>, next: () => Promise<void>) {
  const result = await readParameters(context)
  if (result.kind === 'wrong') return context.json({ errors: { [result.field]: result.message } }, result.status)
  context.set('parameters', result.parameters)
  return next()
}

async function list(context: Context<Env>, deps: CompatiblePoolDeps): Promise<Response> {
  const { limit, page } = context.get('parameters')
  const size = readNumber(limit)
  const number = readNumber(page)
  if (!isPageNumber(size)) return invalid(context, 'limit', `must be a number from 1 to ${MAX_PAGE}`)
  if (!isPageNumber(number)) return invalid(context, 'page', `must be a number from 1 to ${MAX_PAGE}`)
  const instances = await deps.store.instances(DEFAULT_POOL)
  const perPage = size.kind === 'ok' ? size.value : instances.length
  const start = number.kind === 'ok' ? (number.value - 1) * perPage : 0
  return context.json(instances.slice(start, start + perPage).map((instance) => presentInstance(instance, deps)))
}

/** Exactly these keys: its users compare strictly. */
function presentInstance(instance: Instance, deps: CompatiblePoolDeps) {
  return {
    id: instance.id,
    domain: instance.domain,
    pos_cli_token: deps.listTokens ? openToken(deps.cipher, instance) : MASKED,
    reserved_by: instance.holder?.client ?? null,
    reserved_at: instance.holder?.since.toISOString() ?? null,
    available: String(instance.state === 'free' && !instance.isDraining),
  }
}

async function reserveOne(context: Context<Env>, deps: CompatiblePoolDeps): Promise<Response> {
  const parameters = context.get('parameters')
  const client = textOf(parameters['client'])
  const problem = clientProblem(client)
  if (problem !== null) return invalid(context, 'client', problem)
  const minutes = readNumber(parameters['timeout'])
  if (minutes.kind === 'wrong') return invalid(context, 'timeout', 'is not a number')
  if (minutes.kind === 'ok' && minutes.value <= 0) return invalid(context, 'timeout', 'must be more than zero minutes')
  const wait = readNumber(parameters['wait'])
  if (wait.kind === 'wrong') return invalid(context, 'wait', 'is not a number')
  const waitSeconds = wait.kind === 'ok' ? wait.value : 0
  if (waitSeconds < 0 || waitSeconds > MAX_WAIT_S)
    return invalid(context, 'wait', `must be from 0 to ${MAX_WAIT_S} seconds`)

  const pool = await deps.store.findPool(DEFAULT_POOL)
  if (pool === null) return unavailable(context, NONE_AVAILABLE, null)
  const answer = await reserveConnected(
    deps,
    pool,
    { client, actor: context.get('identity').actor, isExclusive: true, timeoutMs: timeoutMs(minutes, pool) },
    Math.round(waitSeconds * 1000),
    deps.newId(),
    context.req.raw.signal,
  )
  return present(context, deps, answer)
}

function present(context: Context<Env>, deps: CompatiblePoolDeps, answer: Answer): Response {
  switch (answer.kind) {
    case 'granted':
      return granted(context, deps, answer.reservation)
    case 'duplicate':
      return unavailable(context, RESERVED_ALREADY, answer.untilNextEndMs)
    case 'none_free':
      return unavailable(context, NONE_AVAILABLE, answer.untilNextEndMs)
    case 'invalid':
      return invalid(context, answer.field, answer.message)
    case 'unservable':
    case 'limit_reached':
    case 'waiting':
    case 'ended':
    case 'hung_up':
      return unavailable(context, NONE_AVAILABLE, null)
  }
}

function granted(context: Context<Env>, deps: CompatiblePoolDeps, reservation: Reservation): Response {
  const [instance] = reservation.instances
  // It ended between its grant and this answer.
  if (instance === undefined) return unavailable(context, NONE_AVAILABLE, null)
  const wantsToken = ['true', '1'].includes(textOf(context.get('parameters')['with_token']))
  if (!wantsToken) return context.text(instance.domain)
  return context.json({
    id: instance.id,
    domain: instance.domain,
    pos_cli_token: openToken(deps.cipher, instance),
    available: false,
    reserved_at: reservation.grantedAt?.toISOString() ?? null,
    reserved_by: reservation.client,
  })
}

async function getToken(context: Context<Env>, deps: CompatiblePoolDeps): Promise<Response> {
  const client = textOf(context.get('parameters')['client'])
  const problem = clientProblem(client)
  if (problem !== null) return invalid(context, 'client', problem)
  const reservation = await deps.store.findByClient(DEFAULT_POOL, client)
  const [instance] = reservation?.instances ?? []
  return instance === undefined ? context.json(NOT_FOUND, 404) : context.text(openToken(deps.cipher, instance))
}

/** "Not found" is 200: the clean-up step of every workflow would turn red otherwise. */
async function release(context: Context<Env>, deps: CompatiblePoolDeps): Promise<Response> {
  const client = textOf(context.get('parameters')['client'])
  const problem = clientProblem(client)
  if (problem !== null) return invalid(context, 'client', problem)
  const [ended] = await deps.store.end(
    { by: 'client', pool: DEFAULT_POOL, client },
    { ending: 'released', actor: context.get('identity').actor, reason: '' },
  )
  if (ended === undefined) return context.json(NOT_FOUND)
  return context.json({ valid: true, domain: ended.domain, available: true, operation: 'release' })
}

function timeoutMs(minutes: ReturnType<typeof readNumber>, pool: Pool): number {
  if (minutes.kind !== 'ok') return pool.timeoutMs
  return Math.min(Math.max(1, Math.round(minutes.value * 60_000)), pool.maxTimeoutMs)
}

function openToken(cipher: TokenCipher, instance: Pick<Instance, 'domain' | 'sealedToken'>): string {
  return cipher.open(instance.sealedToken, tokenContext(instance.domain))
}

function unavailable(context: Context<Env>, body: { readonly error: string }, untilNextEndMs: number | null): Response {
  return context.json(body, 503, { 'retry-after': String(retryAfterSeconds(untilNextEndMs)) })
}

function invalid(context: Context<Env>, field: string, message: string): Response {
  return context.json({ errors: { [field]: message } }, 422)
}

function textOf(value: Parameters[string] | undefined): string {
  return value === undefined || value === null ? '' : String(value)
}

function isPageNumber(result: ReturnType<typeof readNumber>): boolean {
  return (
    result.kind === 'absent' ||
    (result.kind === 'ok' && Number.isInteger(result.value) && result.value >= 1 && result.value <= MAX_PAGE)
  )
}
