/**
 * The runner's API (SPEC 8): the routes of gitfoss-ci-runner with their exact keys, for every run of Slipway, and what
 * it left out: one run, cancel, re-run, the artifacts' bytes, registration. A runner's token sees the runs of its
 * organisation; for all others a run does not exist.
 */
import { Hono, type Context } from 'hono'
import { Readable } from 'node:stream'
import { z } from 'zod'
import type { TokenScope } from '../config/server-config.ts'
import type { BlobStore } from '../core/blob-store.ts'
import { SlipwayError } from '../core/errors.ts'
import type { RunLogs } from '../core/run-log.ts'
import { isGood, type Run } from '../core/run.ts'
import type { RunStore } from '../core/run-store.ts'
import { reveal, type Secret } from '../core/secret.ts'
import type { ArtifactStore } from '../pipeline/index.ts'
import { limitBody, type ApiEnv } from './api-router.ts'
import { bearerToken, type Authenticate, type Identity } from './authenticate.ts'
import { issueLogTicket, isLogTicket } from './log-ticket.ts'
import { firstLine, logContent, logEvents, type LogStreamDeps } from './log-stream.ts'
import type { RunnerAccess, TriggeredRun } from './ports.ts'
import { remoteAddress, requireRight, requireScope } from './require-scope.ts'
import { readFields } from './runner-body.ts'
import { parseTrigger } from './runner-ids.ts'
import { wireRun } from './run-status.ts'
import { sendBlob, toWeb } from './send-blob.ts'
import { triggerRun, type TriggerDeps } from './trigger-run.ts'

export interface RunnerApiDeps extends Omit<TriggerDeps, 'runs' | 'access'> {
  readonly authenticate: Authenticate
  readonly access: RunnerAccess
  readonly runs: Pick<RunStore, 'get' | 'list' | 'create' | 'lastAttempt'>
  readonly logs: RunLogs
  readonly artifacts: ArtifactStore
  readonly artifactBlobs: BlobStore
  /** Forgets caches and their bytes. */
  readonly clearCaches: (filter: {
    readonly organization: string | null
    readonly stage?: string
    readonly key?: string
  }) => Promise<{ readonly cleared: number; readonly bytes: number }>
  readonly cancelRun: (run: Run, actor: string) => Promise<void>
  /** Null while the newest attempt is still going. */
  readonly rerun: (run: Run, actor: string) => Promise<Run | null>
  readonly issueRunnerToken: (
    organization: string,
    actor: string,
  ) => Promise<{ readonly id: string; readonly token: Secret }>
  readonly ticketKey: Secret
  readonly baseUrl: string
  readonly version: { readonly version: string; readonly commit: string }
  readonly now: () => number
}

const DEFAULT_IMAGE = 'alpine:latest'
const DEFAULT_TIMEOUT_S = 900
const MOST_LISTED_RUNS = 100
const nonceBody = z.object({ organization: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/) })

export function runnerApi(deps: RunnerApiDeps): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>()
  const streams: LogStreamDeps = { logs: deps.logs, runOf: (runId) => deps.runs.get(runId) }
  const runner = requireScope(deps.authenticate, 'runner')
  for (const path of ['/trigger', '/cache/reset', '/runner/*', '/runs', '/run/*']) routes.use(path, runner, limitBody)

  routes.post('/trigger', async (context) => {
    const parsed = parseTrigger(await readFields(context))
    if (parsed.kind === 'invalid')
      return context.json({ error: { code: 'request_invalid', message: parsed.message, field: parsed.field } }, 400)
    const { actor, organization } = context.get('identity')
    const [run] = await triggerRun(deps, parsed.body, organization, actor)
    if (run === undefined)
      throw new SlipwayError('request_invalid', 'the stage has no combination to run', { field: 'stageId' })
    context.header('location', `/run/${run.id}`)
    const { pipelineId, stageId } = parsed.body
    return context.json({ pipelineId, runId: run.id, stageId, status: 'PENDING' })
  })

  routes.post('/cache/reset', async (context) => {
    const fields = await readFields(context)
    const stage = fields['stageId'] ?? fields['stage']
    const { organization } = context.get('identity')
    const filter = {
      organization,
      ...(stage === undefined ? {} : { stage: String(stage) }),
      ...(fields['key'] === undefined ? {} : { key: String(fields['key']) }),
    }
    return context.json(await deps.clearCaches(filter))
  })

  routes.get('/stage/:stageId', runner, async (context) =>
    context.json(wireRun(await stageRun(deps, context, context.req.param('stageId'), identityOf(context)))),
  )

  routes.get('/stage/:stageId/logs', async (context) => {
    const found = await readableRun(deps, context, (identity) =>
      stageRun(deps, context, context.req.param('stageId'), identity),
    )
    const { stream } = context.req.query()
    if (stream !== undefined) return streamLog(streams, context, found.run.id, stream, true)
    const { pipelineId, runId, stageId } = wireRun(found)
    return jsonLog(streams, context, { pipelineId, runId, stageId })
  })

  routes.post('/stage/:stageId/logs/ticket', runner, async (context) => {
    const { run } = await stageRun(deps, context, context.req.param('stageId'), identityOf(context))
    const { ticket, expiresAt } = issueLogTicket(deps.ticketKey, run.id, deps.now())
    return context.json({ ticket, runId: run.id, expiresAt: expiresAt.toISOString() })
  })

  routes.get('/api/v1/runs/:runId/logs', async (context) => {
    const { run } = await readableRun(deps, context, (identity) => oneRun(deps, context.req.param('runId'), identity))
    return streamLog(
      streams,
      context,
      run.id,
      context.req.query('stream') ?? 'http',
      context.req.query('stream') !== undefined,
    )
  })

  routes.get('/runs', async (context) => {
    const found = await deps.access.runs(identityOf(context).organization, MOST_LISTED_RUNS)
    return context.json({ runs: found.map(wireRun) })
  })

  routes.get('/run/:runId', async (context) => {
    const found = await oneRun(deps, context.req.param('runId'), identityOf(context))
    const { createdAt, startedAt, completedAt, attempt, name, sha } = found.run
    const times = {
      createdAt: createdAt.toISOString(),
      startedAt: startedAt?.toISOString() ?? null,
      completedAt: completedAt?.toISOString() ?? null,
    }
    return context.json({ ...wireRun(found), name, sha, attempt, ...times })
  })

  const artifacts = async (context: Context<ApiEnv, '/run/:runId/artifacts'>) => {
    const found = await oneRun(deps, context.req.param('runId'), identityOf(context))
    const { pipelineId, runId, stageId } = wireRun(found)
    const artefacts = (await deps.artifacts.list(runId)).map(({ id, name, path, size, sha256 }) => ({
      id,
      name,
      path,
      size,
      sha256,
    }))
    return context.json({ pipelineId, runId, stageId, artefacts })
  }
  routes.get('/run/:runId/artifacts', artifacts)
  routes.get('/run/:runId/artefacts', artifacts)

  const artifact = async (context: Context<ApiEnv, '/run/:runId/artifacts/:artifactId'>) => {
    const { run } = await oneRun(deps, context.req.param('runId'), identityOf(context))
    const found = await deps.artifacts.get(context.req.param('artifactId'))
    if (found === null || found.runId !== run.id) throw new SlipwayError('not_found', 'this run has no such artifact')
    return sendBlob(deps.artifactBlobs, context.req.raw, {
      ...found,
      fileName: found.name,
      contentType: 'application/octet-stream',
    })
  }
  routes.get('/run/:runId/artifacts/:artifactId', artifact)
  routes.get('/run/:runId/artefacts/:artifactId', artifact)

  routes.post('/run/:runId/cancel', async (context) => {
    const identity = identityOf(context)
    const { run } = await oneRun(deps, context.req.param('runId'), identity)
    if (run.state === 'completed')
      throw new SlipwayError('conflict', `the run has ended already: ${wireRun({ run, trigger: null }).status}`)
    await deps.cancelRun(run, identity.actor)
    return context.json(wireRun(await oneRun(deps, run.id, identity)))
  })

  routes.post('/run/:runId/rerun', async (context) => {
    const identity = identityOf(context)
    const found = await oneRun(deps, context.req.param('runId'), identity)
    const wanted = context.req.query('failed') === 'true' ? await failedOfGroup(deps, found.run) : [found.run]
    const made: TriggeredRun[] = []
    for (const run of wanted) {
      const again = await deps.rerun(run, identity.actor)
      if (again === null) continue
      const trigger = (await oneRun(deps, run.id, identity)).trigger
      if (trigger !== null)
        await deps.access.recordTrigger({ ...trigger, runId: again.id, organization: identity.organization })
      made.push({ run: again, trigger })
    }
    const [first] = made
    if (first === undefined)
      throw new SlipwayError(
        'conflict',
        wanted.length === 0 ? 'no run of this pipeline failed' : 'the run has not ended yet',
      )
    context.header('location', `/run/${first.run.id}`)
    return context.json({ ...wireRun(first), runs: made.map(wireRun) })
  })

  routes.get('/runner/config', (context) => {
    const { actor, scope, organization } = identityOf(context)
    const id = actor.replace(/^token:/, '')
    // Only a runner's own token is given back to it; to every other it stays hidden.
    const token = scope === 'runner' ? bearerToken(context.req.header('authorization')) : '***'
    return context.json({
      registration: { id, url: `${deps.baseUrl}/runners/${encodeURIComponent(id)}`, token, organization },
      defaultImage: DEFAULT_IMAGE,
      defaultTimeout: DEFAULT_TIMEOUT_S,
      successExit: [0],
    })
  })
  routes.get('/runner/version', (context) => context.json(deps.version))

  routes.post('/api/v1/runners/nonces', requireScope(deps.authenticate, 'admin'), limitBody, async (context) => {
    const body = nonceBody.safeParse(await readFields(context))
    if (!body.success)
      throw new SlipwayError('request_invalid', 'organization: must be the name of a GitHub account', {
        field: 'organization',
      })
    const { nonce, expiresAt } = await deps.access.issueNonce(body.data.organization, identityOf(context).actor)
    return context.json({ nonce, expires_at: expiresAt.toISOString() }, 201)
  })

  // The nonce is the credential.
  routes.post('/api/v1/runners', limitBody, async (context) => {
    const { nonce } = await readFields(context)
    const spent = typeof nonce === 'string' ? await deps.access.spendNonce(nonce) : null
    if (spent === null)
      throw new SlipwayError('not_authenticated', 'this nonce is unknown, too old, or was used before', {
        field: 'nonce',
      })
    const { id, token } = await deps.issueRunnerToken(spent.organization, spent.createdBy)
    return context.json({ id, organization: spent.organization, token: reveal(token) }, 201)
  })

  return routes
}

/** Who may open a log: a token that reads, or a ticket for exactly this run. For the WebSocket as well. */
export async function admitToLog(
  deps: Pick<RunnerApiDeps, 'authenticate' | 'access' | 'ticketKey' | 'now'>,
  request: { readonly url: URL; readonly authorization: string | undefined; readonly address: string },
): Promise<
  | { readonly kind: 'ok'; readonly runId: string }
  | { readonly kind: 'refused'; readonly status: 400 | 401 | 403 | 404 | 429 }
> {
  const match = /^\/(?:stage\/([^/]+)|api\/v1\/runs\/([^/]+))\/logs$/.exec(request.url.pathname)
  if (match === null) return { kind: 'refused', status: 404 }
  const stageId = match[1] === undefined ? null : decodeURIComponent(match[1])
  const runId = request.url.searchParams.get('runId') ?? match[2] ?? null
  const find = (organization: string | null) =>
    runId === null ? deps.access.newestOfStage(stageId ?? '', organization) : deps.access.run(runId, organization)
  const ticket = request.url.searchParams.get('ticket')
  if (ticket !== null) {
    const found = await find(null)
    return found !== null && isLogTicket(deps.ticketKey, found.run.id, ticket, deps.now())
      ? { kind: 'ok', runId: found.run.id }
      : { kind: 'refused', status: 401 }
  }
  const answer = await deps.authenticate(request.authorization, request.address)
  if (answer.kind !== 'ok') return { kind: 'refused', status: answer.kind === 'limited' ? 429 : 401 }
  if (!READING_SCOPES.includes(answer.identity.scope)) return { kind: 'refused', status: 403 }
  const found = await find(answer.identity.organization)
  return found === null ? { kind: 'refused', status: 404 } : { kind: 'ok', runId: found.run.id }
}

/** Tokens of the pool and of packages have no business with what a repository's builds print. */
const READING_SCOPES: readonly TokenScope[] = ['admin', 'runner', 'read']

async function readableRun(
  deps: RunnerApiDeps,
  context: Context<ApiEnv>,
  find: (identity: Pick<Identity, 'organization'>) => Promise<TriggeredRun>,
): Promise<TriggeredRun> {
  const ticket = context.req.query('ticket')
  if (ticket !== undefined) {
    const found = await find({ organization: null }).catch(() => null)
    if (found === null || !isLogTicket(deps.ticketKey, found.run.id, ticket, deps.now()))
      throw new SlipwayError('not_authenticated', 'the ticket is wrong or too old')
    return found
  }
  const answer = await deps.authenticate(context.req.header('authorization'), remoteAddress(context))
  if (answer.kind === 'limited')
    throw new SlipwayError('too_many_requests', 'too many wrong tokens came from this address')
  if (answer.kind === 'refused')
    throw new SlipwayError('not_authenticated', 'a valid token is needed as `Authorization: Bearer TOKEN`')
  if (!READING_SCOPES.includes(answer.identity.scope)) requireRight(answer.identity, 'runner')
  return find(answer.identity)
}

async function stageRun(
  deps: RunnerApiDeps,
  context: Context<ApiEnv>,
  stageId: string,
  identity: Pick<Identity, 'organization'>,
): Promise<TriggeredRun> {
  const runId = context.req.query('runId')
  if (runId !== undefined) return oneRun(deps, runId, identity)
  const found = await deps.access.newestOfStage(stageId, identity.organization)
  if (found === null) throw new SlipwayError('not_found', `no run of a stage ${stageId} is known`)
  return found
}

async function oneRun(
  deps: RunnerApiDeps,
  runId: string,
  identity: Pick<Identity, 'organization'>,
): Promise<TriggeredRun> {
  const found = await deps.access.run(runId, identity.organization)
  if (found === null) throw new SlipwayError('not_found', `there is no run ${runId}`)
  return found
}

async function failedOfGroup(deps: RunnerApiDeps, run: Run): Promise<readonly Run[]> {
  const group = await deps.runs.list({ groupId: run.groupId, limit: 500 })
  return group.filter((one) => one.conclusion !== null && !isGood(one.conclusion))
}

function identityOf(context: Context<ApiEnv>): Identity {
  return context.get('identity')
}

function streamLog(
  streams: LogStreamDeps,
  context: Context<ApiEnv>,
  runId: string,
  stream: string,
  follow: boolean,
): Response {
  const from = firstLine(context.req.query('from'), context.req.header('last-event-id'))
  if (from === null) throw new SlipwayError('request_invalid', 'from: must be the number of a line', { field: 'from' })
  const request = { runId, from, follow, signal: context.req.raw.signal }
  const headers = { 'cache-control': 'no-store', 'x-accel-buffering': 'no', 'x-content-type-options': 'nosniff' }
  switch (stream) {
    case 'http': {
      const isNdjson = context.req.query('format') === 'ndjson'
      const download =
        context.req.query('download') === undefined
          ? {}
          : { 'content-disposition': `attachment; filename="${runId}.log"` }
      const body = logContent(streams, request, isNdjson ? 'ndjson' : 'text')
      return new Response(bodyOf(body), {
        headers: {
          ...headers,
          ...download,
          'content-type': isNdjson ? 'application/x-ndjson' : 'text/plain; charset=utf-8',
        },
      })
    }
    case 'sse':
      return new Response(bodyOf(logEvents(streams, request)), {
        headers: { ...headers, 'content-type': 'text/event-stream' },
      })
    case 'ws':
      throw new SlipwayError('request_invalid', 'stream: ws needs a WebSocket connection', { field: 'stream' })
    default:
      throw new SlipwayError('request_invalid', 'stream: must be http, ws or sse', { field: 'stream' })
  }
}

/** The log as one string of a JSON object, written as it is read: it may be as long as its limit. */
function jsonLog(streams: LogStreamDeps, context: Context<ApiEnv>, head: Readonly<Record<string, string>>): Response {
  const from = firstLine(context.req.query('from'), undefined) ?? 1
  const request = { runId: head['runId'] ?? '', from, follow: false, signal: context.req.raw.signal }
  async function* body(): AsyncGenerator<Buffer> {
    yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"logs":"`)
    for await (const chunk of logContent(streams, request, 'text'))
      yield Buffer.from(JSON.stringify(chunk.toString()).slice(1, -1))
    yield Buffer.from('"}')
  }
  return new Response(bodyOf(body()), { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
}

function bodyOf(content: AsyncIterable<Buffer>): ReadableStream<Uint8Array> {
  return toWeb(Readable.from(content, { objectMode: false }))
}
