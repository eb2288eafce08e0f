/** The building half of the compatible package API: /buildAsync, /buildSync, /rebuild and /callback. */
import { within } from '../core/deadline.ts'
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { errorCode, errorMessage } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import { reveal, type Secret } from '../core/secret.ts'
import {
  choosePackage,
  findRequestedRepository,
  isTagName,
  outcomeMessage,
  packagePlanOf,
  packageResultOf,
  parseFullName,
  requestPackageBuilds,
  requestRebuild,
  withoutProtocol,
  type RepositoryFinder,
  type RequestDeps,
} from '../packages/index.ts'
import {
  echo,
  fieldError,
  frameworkError,
  invalid,
  repositoryBody,
  unreadable,
  wrapped,
  type RepositoryBody,
} from './packages-compatible-bodies.ts'
import { requireWriter, type ViewerOf } from './package-viewer.ts'

export interface CompatibleBuildDeps extends RequestDeps {
  readonly repositories: RepositoryFinder
  readonly viewerOf: ViewerOf
  /** Null: `/callback` does not exist. */
  readonly callbackSecret: Secret | null
}

/** How long `/buildSync` keeps its client waiting. */
const SYNC_TIMEOUT_MS = 600_000
const SYNC_POLL_MS = 250
/** Versions of one request. */
const MOST_VERSIONS = 50

export function addCompatibleBuildRoutes(app: Hono, deps: CompatibleBuildDeps): void {
  app.post('/buildAsync', async (context) => {
    requireWriter(await deps.viewerOf(context))
    const body = repositoryBody.safeParse(await jsonOf(context))
    return body.success ? (await build(context, deps, body.data)).response : unreadable(context)
  })
  app.post('/buildSync', async (context) => {
    requireWriter(await deps.viewerOf(context))
    const body = repositoryBody.safeParse(await jsonOf(context))
    if (!body.success) return unreadable(context)
    const { response, runIds } = await build(context, deps, body.data)
    return runIds === null ? response : untilBuilt(context, deps, runIds)
  })
  app.post('/rebuild', (context) => rebuild(context, deps))
  app.post('/callback', (context) =>
    deps.callbackSecret === null ? context.notFound() : callback(context, deps, deps.callbackSecret),
  )
}

interface Requested {
  readonly response: Response
  /** Null: refused. */
  readonly runIds: readonly string[] | null
}

async function build(context: Context, deps: CompatibleBuildDeps, body: RepositoryBody): Promise<Requested> {
  const refuse = (response: Response): Requested => ({ response, runIds: null })
  const { full_name: fullName, clone_url: cloneUrl } = body
  if (fullName == null || fullName === '') return refuse(fieldError(context, 'full_name', 'may not be empty'))
  const name = parseFullName(fullName)
  if (name === null) return refuse(invalid(`Wrong fullname format: ${fullName}`))
  if (cloneUrl == null || cloneUrl === '') return refuse(invalid(`Empty clone url for ${fullName}`))
  const found = await findRequestedRepository(deps.repositories, name, cloneUrl)
  if (found.kind === 'unknown') return refuse(invalid(`Unknown repository: ${withoutProtocol(cloneUrl)}`))
  if (found.kind === 'taken')
    return refuse(invalid(`Request ${fullName} ${withoutProtocol(cloneUrl)} tries to overwrite ${found.url}`))

  // Without versions nothing is built, and nothing ever was.
  const versions = (body.versions ?? []).map(({ ref, erl_version: erl }) => ({
    ref: ref ?? '',
    erlVersion: erl ?? null,
  }))
  if (versions.length > MOST_VERSIONS) return refuse(invalid(`more than ${MOST_VERSIONS} versions`))
  const orders: Order[] = []
  for (const version of versions) {
    const order = await checkVersion(deps, found.repository, name.name, version)
    if (typeof order === 'string') return refuse(invalid(order))
    orders.push(order)
  }
  // Everything was found right before anything starts.
  const notifyEmail = body.notify_email ?? true
  const runIds: string[] = []
  for (const order of orders) {
    const result = await requestPackageBuilds(deps, { ...order, event: 'manual', actor: null, notifyEmail })
    runIds.push(...result.builds.map((one) => one.runId))
    const [problem] = result.problems
    if (result.builds.length === 0)
      return refuse(
        invalid(problem ?? `erl_version ${order.choice.axes['erl_version'] ?? ''} is not built for ${fullName}`),
      )
  }
  const echoed = {
    fullName,
    cloneUrl: withoutProtocol(cloneUrl),
    versions,
    refType: body.ref_type ?? null,
    notifyEmail,
  }
  return { response: echo({ ...echoed, buildIds: runIds }), runIds }
}

interface Order {
  readonly repository: RepositoryRef
  readonly tag: string
  readonly sha: string
  readonly choice: { readonly package: string; readonly axes: Readonly<Record<string, string>> }
}

/** What is wrong as a sentence, or the order. */
async function checkVersion(
  deps: CompatibleBuildDeps,
  repository: RepositoryRef,
  name: string,
  { ref, erlVersion }: { readonly ref: string; readonly erlVersion: string | null },
): Promise<Order | string> {
  const tag = ref.replace(/^refs\/tags\//, '')
  if (!isTagName(tag)) return `Malformed ref: ${JSON.stringify(ref)}`
  const sha = await deps.source.resolveTag(repository, tag)
  if (sha === null) return `No such tag: ${tag}`
  const packages = await deps.source.packages(repository, sha).catch((error: unknown) => {
    if (errorCode(error) === 'config_invalid') return errorMessage(error)
    throw error
  })
  if (typeof packages === 'string') return packages
  const chosen = choosePackage(packages, repository, name)
  if (chosen.kind === 'none') return `No such package at ${tag}: ${name}`
  if (chosen.kind === 'several') return `${name} has several packages at ${tag}: ${chosen.keys.join(', ')}`
  const axes: Readonly<Record<string, string>> = erlVersion === null ? {} : { erl_version: erlVersion }
  return { repository, tag, sha, choice: { package: chosen.key, axes } }
}

async function untilBuilt(context: Context, deps: CompatibleBuildDeps, runIds: readonly string[]): Promise<Response> {
  const limit = within(SYNC_TIMEOUT_MS, context.req.raw.signal)
  const messages: string[] = []
  for (const runId of runIds) {
    let run = await deps.runs.get(runId)
    while (run !== null && run.state !== 'completed') {
      if (limit.aborted) return wrapped('the builds take longer than this request may', false, 503)
      await new Promise((resolve) => setTimeout(resolve, SYNC_POLL_MS))
      run = await deps.runs.get(runId)
    }
    if (run === null || run.conclusion === 'success' || run.conclusion === 'neutral') continue
    const outcome = packageResultOf(run)?.outcome
    messages.push(`build failed: ${outcome === undefined ? (run.reason ?? 'lost') : outcomeMessage(outcome)}`)
  }
  return messages.length === 0 ? wrapped(true) : wrapped(messages.join('\n'), false)
}

const rebuildBody = z.object({ build_id: z.string().nullish() })

async function rebuild(context: Context, deps: CompatibleBuildDeps): Promise<Response> {
  const viewer = await deps.viewerOf(context)
  requireWriter(viewer)
  const body = rebuildBody.safeParse(await jsonOf(context))
  if (!body.success) return unreadable(context)
  const buildId = body.data.build_id ?? ''
  if (buildId === '') return fieldError(context, 'build_id', 'may not be empty')
  const run = await deps.runs.get(buildId)
  const repository = run?.kind === 'package' ? await deps.repositories.get(run.repositoryId) : null
  if (run === null || repository === null) return invalid('No such build!')
  const plan = packagePlanOf(run)
  const { runId } = await requestRebuild(deps, { run, plan, repository, actor: viewer.actor })
  return echo({
    fullName: `${plan.owner}/${plan.package}`,
    cloneUrl: withoutProtocol(repository.cloneUrl),
    versions: [{ ref: plan.tag, erlVersion: plan.axes['erl_version'] ?? null }],
    refType: null,
    notifyEmail: plan.notifyEmail,
    buildIds: [runId],
  })
}

const callbackBody = z.object({
  ref: z.string(),
  ref_type: z.string().nullish(),
  repository: z.object({ full_name: z.string(), clone_url: z.string() }),
})

/** GitHub's `create` event. Of tags only; whatever else arrives with a good signature is answered and does nothing. */
async function callback(context: Context, deps: CompatibleBuildDeps, secret: Secret): Promise<Response> {
  const signature = context.req.header('x-hub-signature-256') ?? context.req.header('x-hub-signature')
  if (signature === undefined) {
    return frameworkError(
      context,
      'org.springframework.web.bind.ServletRequestBindingException',
      "Missing request header 'x-hub-signature' for method parameter of type String",
    )
  }
  const bytes = Buffer.from(await context.req.arrayBuffer())
  const body = callbackBody.safeParse(parseJson(bytes.toString('utf8')))
  if (!body.success) return unreadable(context)
  const { full_name: fullName, clone_url: cloneUrl } = body.data.repository
  const name = parseFullName(fullName)
  if (name === null) return invalid(`Wrong fullname format: ${fullName}`)
  const found = await findRequestedRepository(deps.repositories, name, cloneUrl)
  if (found.kind !== 'found' && !withoutProtocol(cloneUrl).startsWith('github.com/'))
    return invalid(`Url ${cloneUrl} doesn't point to github!`)
  if (!withoutProtocol(cloneUrl).toLowerCase().endsWith(`/${fullName.toLowerCase()}`))
    return invalid(`Malformed github url: ${cloneUrl}`)
  if (!isSigned(bytes, signature, secret)) return invalid(`Wrong signature for ${fullName}`)
  if (found.kind !== 'found') return invalid(`Unknown repository: ${withoutProtocol(cloneUrl)}`)

  const isCreation =
    (context.req.header('x-github-event') ?? 'create') === 'create' && (body.data.ref_type ?? 'tag') === 'tag'
  const { repository } = found
  const sha = isCreation && isTagName(body.data.ref) ? await deps.source.resolveTag(repository, body.data.ref) : null
  const result =
    sha === null
      ? null
      : await requestPackageBuilds(deps, { repository, tag: body.data.ref, sha, event: 'tag', actor: null })
  return echo({
    fullName,
    cloneUrl: withoutProtocol(cloneUrl),
    versions: [{ ref: body.data.ref, erlVersion: null }],
    refType: body.data.ref_type ?? null,
    notifyEmail: true,
    buildIds: result?.builds.map((one) => one.runId) ?? [],
  })
}

function isSigned(body: Buffer, signature: string, secret: Secret): boolean {
  const algorithm = signature.startsWith('sha256=') ? 'sha256' : 'sha1'
  const expected = Buffer.from(`${algorithm}=${createHmac(algorithm, reveal(secret)).update(body).digest('hex')}`)
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

async function jsonOf(context: Context): Promise<unknown> {
  return parseJson(await context.req.text())
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
