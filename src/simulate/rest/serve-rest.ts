/**
 * The REST API: fault, match, authenticate, check the request, authorize, do, check the answer.
 *
 * The order is GitHub's as far as clients can tell: who you are comes before whether you may, and a thing you may not
 * see does not exist. What a client does wrong is answered as GitHub answers it and noted in the report besides.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json, JsonObject } from '../json.ts'
import { asObject, parseJson } from '../json.ts'
import type { Matched } from '../openapi/match-operation.ts'
import { findRepository, fullName } from '../world/find-repository.ts'
import type { RestFault } from '../world/faults.ts'
import { takeRestFault } from '../world/faults.ts'
import { recordProblem, recordWarning } from '../world/record-problem.ts'
import type { Repository } from '../world/repositories.ts'
import type { RestCall, World } from '../world/world.ts'
import type { Answer } from './answer.ts'
import { notFound, refuse, refusedAnswer } from './answer.ts'
import { authenticate } from './authenticate.ts'
import { authorize } from './authorize.ts'
import type { Caller } from './call.ts'
import { operations } from './operations.ts'
import { budgetKey, spendBudget, watchPace } from './rate-budget.ts'

export interface RestRequest {
  readonly method: string
  /** Without the prefix `/api/v3`. */
  readonly path: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** `cut`: the connection is to be closed without an answer. */
export type RestOutcome = Answer | 'cut'

/** Calls kept for the report; a long demo must not fill the memory. */
const keptCalls = 50_000

export async function serveRest(world: World, request: RestRequest): Promise<RestOutcome> {
  const path = rewriteById(world, request.path)
  const matched = world.schemas.match(request.method, path)
  const record: RestCall = {
    at: world.now().toISOString(),
    method: request.method,
    path: request.path,
    operation: matched?.operation.id ?? null,
    caller: 'anonymous',
    status: 0,
    fault: null,
  }
  world.calls.push(record)
  if (world.calls.length > keptCalls) world.calls.splice(0, keptCalls / 10)
  const fault = takeRestFault(world.restFaults, { method: request.method, path, operation: matched?.operation.id })
  record.fault = fault?.kind ?? null
  if (fault?.kind === 'reset') return 'cut'
  if (fault?.kind === 'delay') await sleep(fault.milliseconds, undefined, { signal: world.closing.signal })
  const planted = fault === undefined ? undefined : plantedAnswer(world, fault)
  if (planted !== undefined) return done(record, planted)
  const answer = done(record, await answerRequest(world, request, matched, record))
  return fault?.kind === 'lost_answer' ? 'cut' : answer
}

/** What is answered instead of doing anything; undefined for faults that let the work be done. */
function plantedAnswer(world: World, fault: RestFault): Answer | undefined {
  switch (fault.kind) {
    case 'status':
      return { status: fault.status, body: { message: 'A planted fault' } }
    case 'secondary':
      return limited('You have exceeded a secondary rate limit. Please wait a few minutes.', fault.retryAfter)
    case 'primary':
      return { ...limited('API rate limit exceeded', undefined), headers: exhaustedHeaders(world, fault.retryAfter) }
    default:
      return undefined
  }
}

function done(record: RestCall, answer: Answer): Answer {
  record.status = answer.status
  return answer
}

async function answerRequest(
  world: World,
  request: RestRequest,
  matched: Matched | undefined,
  record: RestCall,
): Promise<Answer> {
  let caller: Caller = { kind: 'anonymous' }
  try {
    if (request.headers['user-agent'] === undefined) {
      recordProblem(world, 'user-agent', `${request.method} ${request.path} came without a user agent`)
      throw refuse(
        403,
        'Request forbidden by administrative rules. Please make sure your request has a User-Agent header',
      )
    }
    if (matched === undefined) {
      recordProblem(world, 'unknown-route', `${request.method} ${request.path}`)
      throw notFound()
    }
    caller = authenticate(world, request.headers['authorization'])
    record.caller = budgetKey(caller)
    if (spendBudget(world, caller, 0).exhausted)
      return { ...limited('API rate limit exceeded', undefined), headers: spendBudget(world, caller, 0).headers }
    const answer = await perform(world, request, matched, caller)
    if (answer.status === 201 && caller.kind === 'installation') watchPace(world, caller)
    return withCacheHeaders(world, request, caller, answer)
  } catch (error) {
    const refusal = refusedAnswer(error)
    if (refusal !== undefined)
      return { ...refusal, headers: { ...spendBudget(world, caller, 1).headers, ...refusal.headers } }
    recordProblem(
      world,
      'internal',
      `${request.method} ${request.path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
    return { status: 500, body: { message: 'The simulated GitHub failed' } }
  }
}

async function perform(
  world: World,
  request: RestRequest,
  { operation, path }: Matched,
  caller: Caller,
): Promise<Answer> {
  const repository = path['owner'] === undefined ? undefined : findRepository(world, path['owner'], path['repo'] ?? '')
  if (path['owner'] !== undefined && repository === undefined) throw notFound()
  authorize(world, operation.id, caller, repository)
  if (repository !== undefined) {
    const moved = redirectRenamed(world, request, path, repository)
    if (moved !== undefined) return moved
  }
  const query = Object.fromEntries(request.url.searchParams)
  const body = readBody(world, request, operation.body, operation.bodyRequired, operation.id)
  checkParameters(world, { operation, path }, query)
  const accept = request.headers['accept'] ?? ''
  const answer = await operations[operation.id]({
    world,
    operation,
    caller,
    path,
    query,
    body,
    accept,
    url: request.url,
    repository,
  })
  const schema = operation.answers[String(answer.status)]
  if (answer.body === undefined || schema === null || schema === undefined || answer.raw !== undefined) return answer
  const whole = world.schemas.complete(schema, answer.body)
  for (const violation of world.schemas.violations(schema, whole))
    recordProblem(world, 'answer-schema', `${operation.id}: ${violation}`, operation.id)
  return { ...answer, body: whole }
}

function readBody(
  world: World,
  request: RestRequest,
  schema: JsonObject | undefined,
  required: boolean,
  operation: string,
): JsonObject {
  if (schema === undefined) return {}
  if (request.body.length === 0) {
    if (required) throw refuse(422, 'Invalid request.\n\nA body is required.')
    return {}
  }
  const value: Json | undefined = parseJson(request.body.toString())
  if (value === undefined) throw refuse(400, 'Problems parsing JSON')
  for (const unknown of world.schemas.unknownProperties(schema, value))
    recordWarning(world, `${operation}: unknown property ${unknown}`)
  const violations = world.schemas.violations(schema, value)
  if (violations.length > 0) {
    recordProblem(world, 'request-schema', `${operation}: ${violations.join('; ')}`, operation)
    throw refuse(422, `Invalid request.\n\n${violations.join('\n')}`, { errors: violations })
  }
  return asObject(value)
}

function checkParameters(world: World, { operation, path }: Matched, query: Readonly<Record<string, string>>): void {
  const known = new Set(operation.parameters.map(({ name }) => name))
  for (const name of Object.keys(query))
    if (!known.has(name)) recordWarning(world, `${operation.id}: unknown parameter ${name}`)
  for (const { name, in: place, required, schema } of operation.parameters) {
    const value = place === 'path' ? path[name] : place === 'query' ? query[name] : undefined
    if (value === undefined) {
      if (required && place === 'query')
        recordProblem(world, 'request-schema', `${operation.id}: ${name} is missing`, operation.id)
      continue
    }
    const violations = world.schemas.violations(schema, coerce(schema, value))
    if (violations.length > 0)
      recordProblem(world, 'request-schema', `${operation.id}: ${name} ${violations.join('; ')}`, operation.id)
  }
}

/** Parameters arrive as text; their schemas speak of numbers and booleans. */
function coerce(schema: JsonObject, value: string): Json {
  if ((schema['type'] === 'integer' || schema['type'] === 'number') && value !== '') return Number(value)
  if (schema['type'] === 'boolean') return value === 'true'
  return value
}

function withCacheHeaders(world: World, request: RestRequest, caller: Caller, answer: Answer): Answer {
  const content = answer.raw ?? JSON.stringify(answer.body ?? null)
  const etag = `W/"${createHash('sha256').update(content).digest('hex')}"`
  const unchanged = request.method === 'GET' && answer.status === 200 && request.headers['if-none-match'] === etag
  const headers = {
    ...spendBudget(world, caller, unchanged ? 0 : 1).headers,
    ...answer.headers,
    ...(request.method === 'GET' ? { etag } : {}),
  }
  return unchanged ? { status: 304, headers } : { ...answer, headers }
}

/** `/repositories/{id}/...` is the name-free form of `/repos/{owner}/{repo}/...`. */
function rewriteById(world: World, path: string): string {
  const [, id, rest] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? []
  const repository = id === undefined ? undefined : world.repositories.get(Number(id))
  return repository === undefined || repository.deleted ? path : `/repos/${fullName(world, repository)}${rest ?? ''}`
}

/** A renamed repository answers under its old name with the way to its id. */
function redirectRenamed(
  world: World,
  request: RestRequest,
  path: Readonly<Record<string, string>>,
  repository: Repository,
): Answer | undefined {
  if (fullName(world, repository).toLowerCase() === `${path['owner']}/${path['repo']}`.toLowerCase()) return undefined
  const prefix = request.url.pathname.startsWith('/api/v3/') ? '/api/v3' : ''
  const rest = request.path.split('/').slice(4).join('/')
  const location = `${world.origin}${prefix}/repositories/${repository.id}${rest === '' ? '' : `/${rest}`}${request.url.search}`
  return {
    status: request.method === 'GET' ? 301 : 307,
    headers: { location },
    body: { message: 'Moved Permanently', url: location },
  }
}

function limited(message: string, retryAfter: number | undefined): Answer {
  return {
    status: 403,
    body: { message },
    ...(retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } }),
  }
}

function exhaustedHeaders(world: World, seconds: number | undefined): Record<string, string> {
  const reset = Math.ceil(world.now().getTime() / 1_000) + (seconds ?? 1)
  return {
    'x-ratelimit-limit': String(world.rate.limit),
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(reset),
  }
}
