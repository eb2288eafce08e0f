/** The native package API: `/api/v1/packages`, `/api/v1/package-builds`, `/api/v1/artifacts` and the key of provenance. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { BlobStore } from '../core/blob-store.ts'
import { SlipwayError } from '../core/errors.ts'
import {
  isTagName,
  requestPackageBuilds,
  type PackageCatalogue,
  type PackageMeter,
  type PackageRecord,
  type RepositoryFinder,
  type RequestDeps,
  type SigningKeys,
  type VersionRecord,
  type Viewer,
} from '../packages/index.ts'
import { createApiRouter, limitBody, requireJson, type ApiEnv } from './api-router.ts'
import { checksumLine, serveFile } from './byte-range.ts'
import {
  BuildAnswer,
  PackageAnswer,
  presentBuild,
  presentPackage,
  presentVersion,
  VersionAnswer,
} from './packages-present.ts'
import { requireWriter, type ViewerOf } from './package-viewer.ts'
import { FAILURES, jsonAnswer, jsonBody } from './pool-route.ts'

export interface PackagesApiDeps extends RequestDeps {
  readonly catalogue: PackageCatalogue
  readonly repositories: RepositoryFinder
  readonly viewerOf: ViewerOf
  readonly blobs: BlobStore
  readonly keys: SigningKeys
  readonly meter: PackageMeter
  /** Without a trailing slash. */
  readonly baseUrl: string
}

const ROOT = '/api/v1/packages'
const ONE = `${ROOT}/{owner}/{name}`
const VERSION = `${ONE}/versions/{tag}`
const BUILDS = '/api/v1/package-builds'
const LARGEST_PAGE = 200
const DEFAULT_PAGE = 50
const SHA256 = /^[0-9a-f]{64}$/

const base = { tags: ['packages'] }
const page = z.object({
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(DEFAULT_PAGE),
  cursor: z.string().max(2_000).optional().openapi({ description: '`next_cursor` of the page before' }),
})
const packagePath = z.object({ owner: z.string(), name: z.string() })
const versionPath = packagePath.extend({ tag: z.string().openapi({ description: 'a slash is written %2F' }) })
const nextCursor = z.string().nullable()

export function createPackagesApiRoutes(deps: PackagesApiDeps): OpenAPIHono<ApiEnv> {
  const router = createApiRouter()
  for (const path of [ROOT, `${ROOT}/*`, BUILDS, `${BUILDS}/*`]) router.use(path, limitBody, requireJson)
  addReadRoutes(router, deps)
  addWriteRoutes(router, deps)
  addArtifactRoutes(router, deps)
  return router
}

function addReadRoutes(router: OpenAPIHono<ApiEnv>, deps: PackagesApiDeps): void {
  const search = createRoute({
    ...base,
    method: 'get',
    path: ROOT,
    summary: 'Search packages by owner/name, upper and lower case alike, in alphabetical order',
    request: {
      query: page.extend({
        q: z.string().max(200).default(''),
        match: z.enum(['exact', 'prefix', 'substring']).default('substring'),
      }),
    },
    responses: {
      ...FAILURES,
      200: jsonAnswer('a page of packages', z.object({ packages: z.array(PackageAnswer), next_cursor: nextCursor })),
    },
  })
  router.openapi(search, async (context) => {
    const { q, match, limit, cursor } = context.req.valid('query')
    const found = await deps.catalogue.search(
      { text: q, match, limit, after: cursor ?? null },
      await deps.viewerOf(context),
    )
    return context.json({ packages: found.items.map(presentPackage), next_cursor: found.next }, 200)
  })

  const one = createRoute({
    ...base,
    method: 'get',
    path: ONE,
    summary: 'One package',
    request: { params: packagePath },
    responses: { ...FAILURES, 200: jsonAnswer('the package', PackageAnswer) },
  })
  router.openapi(one, async (context) => {
    const viewer = await deps.viewerOf(context)
    const found = await findPackage(deps, context.req.valid('param'), viewer)
    const text = `${found.owner}/${found.name}`
    const { items } = await deps.catalogue.search({ text, match: 'exact', limit: 1, after: null }, viewer)
    const [summary] = items
    if (summary === undefined) throw new SlipwayError('not_found', `there is no package ${text}`)
    return context.json(presentPackage(summary), 200)
  })

  const versions = createRoute({
    ...base,
    method: 'get',
    path: `${ONE}/versions`,
    summary: 'List the versions of a package, the newest first: by semver, or by the time they came',
    request: { params: packagePath, query: page.extend({ order: z.enum(['semver', 'time']).default('semver') }) },
    responses: {
      ...FAILURES,
      200: jsonAnswer('a page of versions', z.object({ versions: z.array(VersionAnswer), next_cursor: nextCursor })),
    },
  })
  router.openapi(versions, async (context) => {
    const { order, limit, cursor } = context.req.valid('query')
    const found = await findPackage(deps, context.req.valid('param'), await deps.viewerOf(context))
    const list = await deps.catalogue.versions(found.id, { order, limit, after: cursor ?? null })
    return context.json(
      { versions: list.items.map((one) => presentVersion(one, deps.baseUrl)), next_cursor: list.next },
      200,
    )
  })

  const version = createRoute({
    ...base,
    method: 'get',
    path: VERSION,
    summary: 'One version with its artifacts and every attempt at it',
    request: { params: versionPath },
    responses: {
      ...FAILURES,
      200: jsonAnswer('the version', VersionAnswer.extend({ package: z.string(), builds: z.array(BuildAnswer) })),
    },
  })
  router.openapi(version, async (context) => {
    const viewer = await deps.viewerOf(context)
    const { found, version: one } = await findVersion(deps, context.req.valid('param'), viewer)
    const builds = await deps.catalogue.builds({ packageId: found.id, tag: one.tag, limit: LARGEST_PAGE }, viewer)
    const artifacts = builds.flatMap(({ artifact, runId, axes }) =>
      artifact?.runId === runId ? [{ ...artifact, axes }] : [],
    )
    const answer = { ...presentVersion({ ...one, artifacts }, deps.baseUrl), package: `${found.owner}/${found.name}` }
    return context.json({ ...answer, builds: builds.map((build) => presentBuild(build, deps.baseUrl)) }, 200)
  })

  const builds = createRoute({
    ...base,
    method: 'get',
    path: BUILDS,
    summary: 'List package builds, the newest first',
    request: { query: page.extend({ package: z.string().optional().openapi({ description: 'owner/name' }) }) },
    responses: {
      ...FAILURES,
      200: jsonAnswer('a page of builds', z.object({ builds: z.array(BuildAnswer), next_cursor: nextCursor })),
    },
  })
  router.openapi(builds, async (context) => {
    const { limit, cursor, package: fullName } = context.req.valid('query')
    const viewer = await deps.viewerOf(context)
    const [owner = '', name = ''] = fullName?.split('/') ?? []
    const packageId = fullName === undefined ? {} : { packageId: (await findPackage(deps, { owner, name }, viewer)).id }
    const before = cursor !== undefined && /^\d{1,18}$/.test(cursor) ? { before: cursor } : {}
    const rows = await deps.catalogue.builds({ ...packageId, ...before, limit: limit + 1 }, viewer)
    const shown = rows.slice(0, limit)
    const next = rows.length > limit ? (shown.at(-1)?.sequence ?? null) : null
    return context.json({ builds: shown.map((build) => presentBuild(build, deps.baseUrl)), next_cursor: next }, 200)
  })

  const build = createRoute({
    ...base,
    method: 'get',
    path: `${BUILDS}/{id}`,
    summary: 'One package build',
    request: { params: z.object({ id: z.string() }) },
    responses: { ...FAILURES, 200: jsonAnswer('the build', BuildAnswer) },
  })
  router.openapi(build, async (context) => {
    const viewer = await deps.viewerOf(context)
    const found = await deps.store.build(context.req.valid('param').id)
    if (found === null || !mayRead(viewer, found.package)) throw new SlipwayError('not_found', 'there is no such build')
    return context.json(presentBuild(found, deps.baseUrl), 200)
  })
}

function addWriteRoutes(router: OpenAPIHono<ApiEnv>, deps: PackagesApiDeps): void {
  const request = createRoute({
    ...base,
    method: 'post',
    path: `${VERSION}/builds`,
    summary: 'Build a version, or join its build',
    request: {
      params: versionPath,
      body: jsonBody(z.strictObject({ axes: z.record(z.string(), z.string()).optional() })),
    },
    responses: { ...FAILURES, 202: jsonAnswer('the builds', z.object({ build_ids: z.array(z.string()) })) },
  })
  router.openapi(request, async (context) => {
    const viewer = await deps.viewerOf(context)
    requireWriter(viewer)
    const { owner, name, tag } = context.req.valid('param')
    if (!isTagName(tag))
      throw new SlipwayError('request_invalid', `tag: ${JSON.stringify(tag)} is not a tag's name`, { field: 'tag' })
    const known = await deps.catalogue.findPackage(owner, name, viewer)
    const repository =
      known === null ? await deps.repositories.findByName(owner, name) : await deps.repositories.get(known.repositoryId)
    const sha = repository === null ? null : await deps.source.resolveTag(repository, tag)
    if (repository === null || sha === null)
      throw new SlipwayError('not_found', `there is no tag ${tag} of ${owner}/${name}`)
    const { axes = {} } = context.req.valid('json')
    const choice = { package: known?.name ?? name, axes }
    const { builds, problems } = await requestPackageBuilds(deps, {
      repository,
      tag,
      sha,
      event: 'manual',
      actor: viewer.actor,
      choice,
    })
    if (builds.length === 0)
      throw new SlipwayError('request_invalid', problems[0] ?? 'nothing is built for this tag and these axes')
    return context.json({ build_ids: builds.map((one) => one.runId) }, 202)
  })

  const retire = createRoute({
    ...base,
    method: 'put',
    path: `${VERSION}/retirement`,
    summary: 'Retire a version: its bytes stay, everybody who looks is told why',
    request: { params: versionPath, body: jsonBody(z.strictObject({ reason: z.string().trim().min(1).max(500) })) },
    responses: { ...FAILURES, 204: { description: 'retired' } },
  })
  router.openapi(retire, async (context) => {
    const viewer = await deps.viewerOf(context)
    requireWriter(viewer)
    const { version } = await findVersion(deps, context.req.valid('param'), viewer)
    await deps.store.retire(version.id, { reason: context.req.valid('json').reason, by: viewer.actor })
    return context.body(null, 204)
  })

  const restore = createRoute({
    ...base,
    method: 'delete',
    path: `${VERSION}/retirement`,
    summary: 'Take a retirement back',
    request: { params: versionPath },
    responses: { ...FAILURES, 204: { description: 'no longer retired' } },
  })
  router.openapi(restore, async (context) => {
    const viewer = await deps.viewerOf(context)
    requireWriter(viewer)
    const { version } = await findVersion(deps, context.req.valid('param'), viewer)
    await deps.store.retire(version.id, null)
    return context.body(null, 204)
  })
}

/** Bytes, checksum, provenance and keys: plain routes, because they answer other things than JSON. */
function addArtifactRoutes(router: OpenAPIHono<ApiEnv>, deps: PackagesApiDeps): void {
  router.get('/api/v1/artifacts/:file', async (context) => {
    const file = context.req.param('file')
    const sha256 = file.replace(/\.sha256$/, '')
    const artifact = await findArtifact(deps, sha256, context)
    if (file !== sha256) return context.text(checksumLine(artifact))
    const served = { ...artifact, contentType: contentTypeOf(artifact.fileName), isPublic: !artifact.isPrivate }
    return serveFile(context, served, { blobs: deps.blobs, onServed: (bytes) => deps.meter.served(bytes) })
  })
  router.get('/api/v1/artifacts/:sha256/provenance', async (context) => {
    const { sha256 } = await findArtifact(deps, context.req.param('sha256'), context)
    return context.json(await deps.store.provenance(sha256, await deps.viewerOf(context)))
  })
  router.get('/provenance/key.pem', async (context) => {
    const wanted = context.req.query('keyid')
    const keys = (await deps.keys.publicPems()).filter(({ id }) => wanted === undefined || id === wanted)
    if (keys.length === 0) throw new SlipwayError('not_found', 'there is no such key')
    return context.body(keys.map(({ pem }) => pem).join(''), 200, { 'content-type': 'application/x-pem-file' })
  })
}

async function findArtifact(deps: PackagesApiDeps, sha256: string, context: Context) {
  const artifact = SHA256.test(sha256) ? await deps.store.artifact(sha256, await deps.viewerOf(context)) : null
  if (artifact === null) throw new SlipwayError('not_found', 'there is no artifact with this sha256')
  return artifact
}

async function findPackage(
  deps: PackagesApiDeps,
  { owner, name }: { readonly owner: string; readonly name: string },
  viewer: Viewer,
): Promise<PackageRecord> {
  const found = await deps.catalogue.findPackage(owner, name, viewer)
  if (found === null) throw new SlipwayError('not_found', `there is no package ${owner}/${name}`)
  return found
}

async function findVersion(
  deps: PackagesApiDeps,
  path: { readonly owner: string; readonly name: string; readonly tag: string },
  viewer: Viewer,
): Promise<{ readonly found: PackageRecord; readonly version: VersionRecord }> {
  const found = await findPackage(deps, path, viewer)
  const version = await deps.catalogue.version(found.id, path.tag)
  if (version === null)
    throw new SlipwayError('not_found', `package ${path.owner}/${path.name} has no version ${path.tag}`)
  return { found, version }
}

function mayRead({ privateRepositories }: Viewer, { isPrivate, repositoryId }: PackageRecord): boolean {
  return !isPrivate || privateRepositories === 'all' || privateRepositories.includes(repositoryId)
}

function contentTypeOf(fileName: string): string {
  if (/\.(ep|tar)$/.test(fileName)) return 'application/x-tar'
  return /\.(tar\.gz|tgz|gz)$/.test(fileName) ? 'application/gzip' : 'application/octet-stream'
}
