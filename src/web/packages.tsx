/** What was built from tags: a search over packages, and a page for each with its versions, proofs and how to use it. */
import type { Context, Hono, MiddlewareHandler } from 'hono'
import { formatByteSize } from '../core/byte-size.ts'
import { SlipwayError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import {
  isPreRelease,
  packageBuildState,
  type ArtifactRecord,
  type BuildRecord,
  type PackageBuildState,
  type PackageCatalogue,
  type PackageRecord,
  type PackageSummary,
  type Page as PageOf,
  type VersionRecord,
  type Viewer,
} from '../packages/index.ts'
import { createPageRouter } from './guard.ts'
import { Page } from './layout.tsx'
import { visitorOf, type WebEnv } from './session.ts'
import { StateBadge, type Tone } from './state-badge.tsx'
import { Time } from './time.tsx'

export interface PackagePagesDeps {
  readonly catalogue: PackageCatalogue
  /** Reading is public unless a repository is private. */
  readonly open: MiddlewareHandler<WebEnv>
  readonly viewerOf: (context: Context) => Promise<Viewer>
  readonly logger: Logger
  /** Without a trailing slash. */
  readonly baseUrl: string
}

const PACKAGES_PER_PAGE = 50
const VERSIONS_PER_PAGE = 25
const BUILDS_SHOWN = 20

export function createPackagePages(deps: PackagePagesDeps): Hono<WebEnv> {
  const router = createPageRouter(deps.logger)
  router.get('/packages', deps.open, async (context) => {
    const text = (context.req.query('q') ?? '').slice(0, 200)
    const after = context.req.query('cursor') ?? null
    const found = await deps.catalogue.search(
      { text, match: 'substring', after, limit: PACKAGES_PER_PAGE },
      await deps.viewerOf(context),
    )
    return context.html(
      <Page title="Packages" session={visitorOf(context)} active="packages">
        <SearchPage text={text} found={found} />
      </Page>,
    )
  })
  router.get('/packages/:owner/:name', deps.open, async (context) => {
    const { owner, name } = context.req.param()
    const viewer = await deps.viewerOf(context)
    const found = await deps.catalogue.findPackage(owner, name, viewer)
    if (found === null) throw new SlipwayError('not_found', `there is no package ${owner}/${name}`)
    const [versions, builds] = await Promise.all([
      deps.catalogue.versions(found.id, {
        order: 'semver',
        after: context.req.query('cursor') ?? null,
        limit: VERSIONS_PER_PAGE,
      }),
      deps.catalogue.builds({ packageId: found.id, limit: BUILDS_SHOWN }, viewer),
    ])
    return context.html(
      <Page title={`${found.owner}/${found.name}`} session={visitorOf(context)} active="packages">
        <PackagePage found={found} versions={versions} builds={builds} baseUrl={deps.baseUrl} />
      </Page>,
    )
  })
  return router
}

function SearchPage({ text, found }: { text: string; found: PageOf<PackageSummary> }) {
  return (
    <div class="stack">
      <div class="head">
        <h1>Packages</h1>
        <form method="get" action="/packages" role="search" class="actions">
          <label for="q">Name</label>
          <input id="q" name="q" type="search" value={text} placeholder="owner/name, or a part of it" />
          <button>Search</button>
        </form>
      </div>
      <section class="card" aria-label="Packages">
        {found.items.length === 0 ? (
          <div class="empty">
            <p>
              {text === ''
                ? 'No tag was built yet. Packages are declared in slipway.yml.'
                : `No package has “${text}” in its name.`}
            </p>
          </div>
        ) : (
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th scope="col">Package</th>
                  <th scope="col">Latest</th>
                  <th scope="col">Versions</th>
                  <th scope="col">Since</th>
                </tr>
              </thead>
              <tbody>
                {found.items.map(({ package: one, latest, latestPublishedAt, versions }) => (
                  <tr>
                    <th scope="row">
                      <a href={addressOf(one)}>{`${one.owner}/${one.name}`}</a>
                      {one.isPrivate ? <span class="tag">private</span> : null}
                    </th>
                    <td>{latest ?? <span class="soft">nothing released</span>}</td>
                    <td class="number">{versions}</td>
                    <td>{latestPublishedAt === null ? null : <Time at={latestPublishedAt} />}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {found.next === null ? null : (
        <a class="button" href={`/packages?${new URLSearchParams({ q: text, cursor: found.next }).toString()}`}>
          More
        </a>
      )}
    </div>
  )
}

type ShownVersion = VersionRecord & { readonly artifacts: readonly (ArtifactRecord & { readonly variant: string })[] }

interface PackagePageProps {
  readonly found: PackageRecord
  readonly versions: PageOf<ShownVersion>
  readonly builds: readonly BuildRecord[]
  readonly baseUrl: string
}

function PackagePage({ found, versions, builds, baseUrl }: PackagePageProps) {
  const fullName = `${found.owner}/${found.name}`
  const newest = versions.items.find((one) => one.artifacts.length > 0 && one.retired === null)
  return (
    <div class="stack">
      <div class="head">
        <div>
          <p class="crumbs">
            <a href="/packages">Packages</a>
          </p>
          <h1>
            {fullName} {found.isPrivate ? <span class="tag">private</span> : null}
          </h1>
          <p class="soft">
            Built from the tags of{' '}
            <a
              href={`/repos/${encodeURIComponent(found.owner)}/${encodeURIComponent(found.repository)}`}
            >{`${found.owner}/${found.repository}`}</a>
          </p>
        </div>
        <img src={`/badge?full_name=${encodeURIComponent(fullName)}`} alt={`Badge of ${fullName}`} height="20" />
      </div>
      {newest === undefined ? null : <HowTo fullName={fullName} version={newest} baseUrl={baseUrl} />}
      <section class="card">
        <header>
          <h2>Versions</h2>
        </header>
        {versions.items.length === 0 ? <p class="empty">None yet.</p> : <Versions versions={versions.items} />}
      </section>
      {versions.next === null ? null : (
        <a class="button" href={`${addressOf(found)}?cursor=${encodeURIComponent(versions.next)}`}>
          Older versions
        </a>
      )}
      <section class="card">
        <header>
          <h2>Latest builds</h2>
        </header>
        <Builds builds={builds} />
      </section>
    </div>
  )
}

function HowTo({ fullName, version, baseUrl }: { fullName: string; version: ShownVersion; baseUrl: string }) {
  const [artifact] = version.artifacts
  if (artifact === undefined) return null
  const file = shellWord(artifact.fileName)
  const commands: readonly (readonly [string, string])[] = [
    ['Download', `curl -fLo ${file} ${baseUrl}/api/v1/artifacts/${artifact.sha256}`],
    ['Check the bytes', `curl -fs ${baseUrl}/api/v1/artifacts/${artifact.sha256}.sha256 | sha256sum -c`],
    ['Check where it comes from', `SLIPWAY_URL=${baseUrl} npx slipway verify ${file}`],
    ['Show the badge', `![${fullName}](${baseUrl}/badge?full_name=${encodeURIComponent(fullName)})`],
  ]
  return (
    <section class="card">
      <header>
        <h2>Use {version.tag}</h2>
      </header>
      <div class="body">
        {commands.map(([label, command]) => (
          <div>
            <p class="small soft">{label}</p>
            <code class="secret" tabindex={0} aria-label={`Command: ${label}`}>
              {command}
            </code>
          </div>
        ))}
      </div>
    </section>
  )
}

function Versions({ versions }: { versions: readonly ShownVersion[] }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">File</th>
            <th scope="col">sha256</th>
            <th scope="col">Proof</th>
            <th scope="col">Released</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((version) =>
            version.artifacts.length === 0 ? (
              <tr>
                <VersionName version={version} />
                <td class="soft" colspan={4}>
                  nothing released
                </td>
              </tr>
            ) : (
              version.artifacts.map((artifact) => (
                <tr>
                  <VersionName version={version} />
                  <td>
                    <a href={`/api/v1/artifacts/${artifact.sha256}`}>{artifact.fileName}</a>{' '}
                    <span class="soft nowrap">{formatByteSize(artifact.size)}</span>
                    {artifact.variant === '' ? null : <span class="tag">{artifact.variant}</span>}
                  </td>
                  <td>
                    <code title={artifact.sha256}>{artifact.sha256.slice(0, 16)}…</code>{' '}
                    <a href={`/api/v1/artifacts/${artifact.sha256}.sha256`} class="small">
                      checksum file
                    </a>
                  </td>
                  <td>
                    <StateBadge tone="good">signed</StateBadge>{' '}
                    <a href={`/api/v1/artifacts/${artifact.sha256}/provenance`}>provenance</a>
                  </td>
                  <td>
                    <Time at={artifact.publishedAt} />
                  </td>
                </tr>
              ))
            ),
          )}
        </tbody>
      </table>
    </div>
  )
}

function VersionName({ version }: { version: ShownVersion }) {
  return (
    <th scope="row">
      {version.tag} <code class="soft">{version.sha.slice(0, 12)}</code>
      {isPreRelease(version.tag) ? <span class="tag">pre-release</span> : null}
      {version.movedTo === null ? null : (
        <span class="tag accent" title={`The tag names ${version.movedTo} by now; what was released stays.`}>
          tag moved
        </span>
      )}
      {version.tagDeletedAt === null ? null : <span class="tag">tag deleted</span>}
      {version.retired === null ? null : (
        <span class="tag accent" title={`By ${version.retired.by}`}>
          retired: {version.retired.reason}
        </span>
      )}
    </th>
  )
}

const TONES: Readonly<Record<PackageBuildState, Tone>> = {
  queued: 'waiting',
  preparing: 'busy',
  running: 'busy',
  succeeded: 'good',
  failed: 'bad',
  timed_out: 'bad',
  cancelled: 'idle',
  lost: 'bad',
}

function Builds({ builds }: { builds: readonly BuildRecord[] }) {
  return (
    <ul class="rows">
      {builds.map((build) => {
        const state = packageBuildState({ ...build, state: build.runState })
        return (
          <li>
            <a class="row" href={`/runs/${build.runId}`}>
              <StateBadge tone={TONES[state]}>{state.replaceAll('_', ' ')}</StateBadge>
              <span class="what">
                <b>{build.version.tag}</b>
                {build.variant === '' ? null : <span class="soft">{build.variant}</span>}
                <span class="soft">
                  attempt {build.attempt}
                  {build.reason === null ? '' : `, ${build.reason.replaceAll('_', ' ')}`}
                </span>
              </span>
              <span class="when">
                <Time at={build.createdAt} />
              </span>
            </a>
          </li>
        )
      })}
    </ul>
  )
}

function addressOf({ owner, name }: PackageRecord): string {
  return `/packages/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`
}

/** Quoted for a shell unless it needs no quotes: the command is meant to be pasted. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9_.+-]+$/.test(text) && !text.startsWith('-')
    ? text
    : `'./${text.replaceAll("'", String.raw`'\''`)}'`
}
