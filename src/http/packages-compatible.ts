/**
 * The package API of the system that Slipway grew from, as its real client and its web page use it. Kept as they were,
 * because clients depend on them: 200 with an exact text for what is not there (`/get`, `/download_erts`), the wrapper,
 * gzip as the type of plain tars, the framework's bodies for bad requests. Mended: 404 for unknown ids in `/download`
 * and `/build_log`, logs of good builds, hours of a day, nothing collapsed in `/last_builds`, the picture in `/badge`.
 */
import { makeBadge } from 'badge-maker'
import { Hono, type Context } from 'hono'
import { SlipwayError } from '../core/errors.ts'
import type { BlobStore } from '../core/blob-store.ts'
import type { Logger } from '../core/logger.ts'
import type { RunLogs } from '../core/run-log.ts'
import {
  parseFullName,
  provideRuntime,
  type BuildRecord,
  type PackageCatalogue,
  type PackageMeter,
  type PackageRecord,
  type RuntimeStore,
  type Viewer,
  type Workbench,
} from '../packages/index.ts'
import { serveFile, type ServedFile } from './byte-range.ts'
import {
  buildRow,
  fieldError,
  frameworkError,
  invalid,
  isGoodBuild,
  missingParameter,
  plainText,
  repositoryBody,
  searchRow,
  TEXT_TYPE,
  unreadable,
  wrapped,
  type RepositoryBody,
} from './packages-compatible-bodies.ts'
import { addCompatibleBuildRoutes, type CompatibleBuildDeps } from './packages-compatible-builds.ts'
import { isBodyTooLarge } from './limit-body.ts'

export interface CompatiblePackagesDeps extends CompatibleBuildDeps {
  readonly catalogue: PackageCatalogue
  readonly runtimes: RuntimeStore
  readonly workbench: Workbench
  readonly blobs: BlobStore
  readonly logs: RunLogs
  readonly meter: PackageMeter
  readonly logger: Logger
}

/** Rows of a list that has no pages. */
const MOST_ROWS = 500
const MOST_LAST_BUILDS = 1_000
const MAX_BODY_BYTES = 1024 * 1024
const POSTED = ['/buildAsync', '/buildSync', '/rebuild', '/callback', '/builds', '/versions', '/get']
/** The contract's type for its plain tars. */
const DOWNLOAD_TYPE = 'application/gzip'

export function createCompatiblePackagesRoutes(deps: CompatiblePackagesDeps): Hono {
  const app = new Hono()
  app.onError((error, context) => failure(context, error, deps.logger))
  // By path: a middleware for everything would also hold other routers' requests to this limit.
  for (const path of POSTED) {
    app.use(path, async (context, next) => {
      if (await isBodyTooLarge(context, MAX_BODY_BYTES))
        throw new SlipwayError('body_too_large', 'the body is too large')
      return next()
    })
  }
  addCompatibleBuildRoutes(app, deps)
  addListRoutes(app, deps)
  addDownloadRoutes(app, deps)
  return app
}

function addListRoutes(app: Hono, deps: CompatiblePackagesDeps): void {
  app.get('/search', async (context) => {
    const name = context.req.query('name')
    if (name === undefined) return missingParameter(context, 'String', 'name')
    const filter = {
      name,
      owner: context.req.query('namespace'),
      tag: context.req.query('version'),
      erlVersion: context.req.query('erl_version'),
    }
    // An empty text is a filter that is off.
    const wanted = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined && value !== ''))
    const builds = await deps.catalogue.builds(
      { ...wanted, isCollapsed: true, limit: MOST_ROWS },
      await deps.viewerOf(context),
    )
    return wrapped(builds.map(searchRow))
  })
  app.get('/last_builds', async (context) => {
    const n = context.req.query('n')
    if (n === undefined) return missingParameter(context, 'int', 'n')
    if (!/^\d{1,9}$/.test(n)) {
      const exception = 'org.springframework.web.method.annotation.MethodArgumentTypeMismatchException'
      return frameworkError(
        context,
        exception,
        `Failed to convert value of type 'java.lang.String' to required type 'int'; For input string: ${JSON.stringify(n)}`,
      )
    }
    const limit = Math.min(Number(n), MOST_LAST_BUILDS)
    const builds = await deps.catalogue.builds({ isSuccessful: true, limit }, await deps.viewerOf(context))
    return wrapped(builds.map(searchRow))
  })
  app.post('/builds', (context) =>
    withPackage(
      context,
      deps,
      async ({ found, body, viewer }) => {
        const lists = await Promise.all(
          wantedVersions(body).map((version) =>
            deps.catalogue.builds({ packageId: found.id, ...version, isCollapsed: true, limit: MOST_ROWS }, viewer),
          ),
        )
        return wrapped(newestFirst(lists.flat()).map(buildRow))
      },
      () => wrapped([]),
    ),
  )
  app.post('/versions', (context) =>
    withPackage(
      context,
      deps,
      async ({ found, body, viewer }) => {
        const lists = await Promise.all(
          wantedVersions(body).map((version) =>
            deps.catalogue.builds({ packageId: found.id, ...version, isReleased: true, limit: MOST_ROWS }, viewer),
          ),
        )
        const rows = newestFirst(lists.flat()).map((build) => ({
          version_id: build.version.id,
          ref: build.version.tag,
          erl_version: build.axes['erl_version'] ?? null,
          builds: null,
        }))
        return wrapped(rows)
      },
      () => wrapped([]),
    ),
  )
  app.get('/badge', async (context) => {
    const fullName = context.req.query('full_name')
    if (fullName === undefined) return missingParameter(context, 'String', 'full_name')
    const name = parseFullName(fullName)
    if (name === null) return invalid(`Wrong fullname format: ${fullName}`)
    const found = await deps.catalogue.findPackage(name.owner, name.name, await deps.viewerOf(context))
    const latest = found === null ? null : await deps.catalogue.latestRelease(found.id)
    const picture = makeBadge({
      label: 'slipway',
      message: latest ?? 'unknown',
      color: latest === null ? 'red' : 'brightgreen',
    })
    return new Response(picture, {
      headers: {
        'content-type': 'image/svg+xml;charset=utf-8',
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
      },
    })
  })
}

function addDownloadRoutes(app: Hono, deps: CompatiblePackagesDeps): void {
  app.post('/get', (context) =>
    withPackage(
      context,
      deps,
      async ({ found, body, viewer }) => {
        const [version = EVERY_VERSION] = wantedVersions(body)
        // Nobody gets a retired version who did not ask for it.
        const isCurrent = version.tag === undefined
        const [newest] = await deps.catalogue.builds(
          { packageId: found.id, ...version, isReleased: true, isCurrent, limit: 1 },
          viewer,
        )
        return newest?.artifact == null ? noSuchBuild() : download(context, deps, newest)
      },
      noSuchBuild,
    ),
  )
  app.get('/download/:id', async (context) => {
    const build = await visibleBuild(context, deps, context.req.param('id'))
    return build?.artifact == null || !isGoodBuild(build)
      ? plainText('No build for id', 404)
      : download(context, deps, build)
  })
  app.get('/build_log', async (context) => {
    const id = context.req.query('build_id')
    if (id === undefined) return missingParameter(context, 'String', 'build_id')
    const build = await visibleBuild(context, deps, id)
    if (build === null) return plainText('No build for id', 404)
    const content = deps.logs.content(build.runId, { signal: context.req.raw.signal })
    return new Response(ReadableStream.from(content), {
      headers: { 'content-type': TEXT_TYPE, 'x-content-type-options': 'nosniff' },
    })
  })
  app.get('/download_erts/:version', async (context) => {
    const version = context.req.param('version')
    const runtime = await provideRuntime(deps, version, context.req.raw.signal)
    if (runtime === null) return plainText('No such erlang')
    return serve(context, deps, { ...runtime, fileName: `${version}.tar`, contentType: DOWNLOAD_TYPE, isPublic: true })
  })
}

interface PackageQuestion {
  readonly found: PackageRecord
  readonly body: RepositoryBody
  readonly viewer: Viewer
}

async function withPackage(
  context: Context,
  deps: CompatiblePackagesDeps,
  answer: (question: PackageQuestion) => Promise<Response>,
  absent: () => Response,
): Promise<Response> {
  const body = repositoryBody.safeParse(await context.req.json().catch(() => undefined))
  if (!body.success) return unreadable(context)
  const fullName = body.data.full_name ?? ''
  if (fullName === '') return fieldError(context, 'full_name', 'may not be empty')
  const name = parseFullName(fullName)
  if (name === null) return invalid(`Wrong fullname format: ${fullName}`)
  const viewer = await deps.viewerOf(context)
  const found = await deps.catalogue.findPackage(name.owner, name.name, viewer)
  return found === null ? absent() : answer({ found, body: body.data, viewer })
}

interface WantedVersion {
  readonly tag?: string
  readonly erlVersion?: string
}

const EVERY_VERSION: WantedVersion = {}

/** The filters of a request; one that is off where it names no versions. */
function wantedVersions({ versions }: RepositoryBody): readonly WantedVersion[] {
  if (versions == null || versions.length === 0) return [EVERY_VERSION]
  return versions.slice(0, MOST_VERSIONS).map(({ ref, erl_version: erl }) => ({
    ...(ref == null || ref === '' ? {} : { tag: ref }),
    ...(erl == null || erl === '' ? {} : { erlVersion: erl }),
  }))
}

const MOST_VERSIONS = 50

function newestFirst(builds: readonly BuildRecord[]): readonly BuildRecord[] {
  const once = new Map(builds.map((build) => [build.runId, build]))
  return [...once.values()].toSorted((one, other) => Number(BigInt(other.sequence) - BigInt(one.sequence)))
}

async function visibleBuild(context: Context, deps: CompatiblePackagesDeps, id: string): Promise<BuildRecord | null> {
  const viewer = await deps.viewerOf(context)
  const build = await deps.store.build(id)
  if (build === null) return null
  const { isPrivate, repositoryId } = build.package
  const isVisible =
    !isPrivate || viewer.privateRepositories === 'all' || viewer.privateRepositories.includes(repositoryId)
  return isVisible ? build : null
}

function download(
  context: Context,
  deps: CompatiblePackagesDeps,
  { artifact, package: { isPrivate } }: BuildRecord,
): Promise<Response> {
  if (artifact === null) throw new SlipwayError('not_found', 'the build has no artifact')
  return serve(context, deps, { ...artifact, contentType: DOWNLOAD_TYPE, isPublic: !isPrivate })
}

function serve(context: Context, { blobs, meter }: CompatiblePackagesDeps, file: ServedFile): Promise<Response> {
  return serveFile(context, file, { blobs, onServed: (bytes) => meter.served(bytes) })
}

/** The client compares the whole body with this text; a line break after it would be saved as a package. */
function noSuchBuild(): Response {
  return plainText('No such build')
}

/** Errors in the contract's own wrapper, with a status that says whose they are. */
function failure(context: Context, error: unknown, logger: Logger): Response {
  if (error instanceof SlipwayError && error.fault !== 'slipway')
    return wrapped(
      error.message,
      false,
      error.status,
      error.code === 'not_authenticated' ? { 'www-authenticate': 'Bearer' } : {},
    )
  logger.error({ err: error, path: context.req.path }, 'a request of the package API failed')
  return wrapped(
    error instanceof SlipwayError ? error.message : 'Slipway failed; the log of the server says more',
    false,
    error instanceof SlipwayError ? error.status : 500,
  )
}
