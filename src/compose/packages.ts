/** Packages as a feature of the process: builds from tags, the registry's API and pages, and mail about them. */
import { errorMessage, SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import { reveal } from '../core/secret.ts'
import type { Run } from '../core/run.ts'
import { packageWorkbench } from '../docker/package-workbench.ts'
import { gitPackageSource } from '../git/package-source.ts'
import { packageViewer } from '../http/package-viewer.ts'
import { createPackagesApiRoutes } from '../http/packages-api.ts'
import { createCompatiblePackagesRoutes } from '../http/packages-compatible.ts'
import { mailHandler } from '../mail/mail-handler.ts'
import { smtpMailer } from '../mail/smtp.ts'
import {
  handleTag,
  PACKAGE_JOB,
  packagePlanOf,
  packageRunHandler,
  plannedBuilds,
  reconcileTags,
  requestRebuild,
  signingKeys,
  type PackageRunDeps,
  type Viewer,
} from '../packages/index.ts'
import { packageWords } from '../report/package-words.ts'
import { queuedCheck } from '../report/run-words.ts'
import { createConfigCache } from '../store/config-cache.ts'
import { createMailOutbox, MAIL_JOB } from '../store/mails.ts'
import { createMessageStore } from '../store/outbox.ts'
import { createPackageCatalogue } from '../store/packages/package-catalogue.ts'
import { createPackageStore } from '../store/packages/package-store.ts'
import { createRuntimeStore } from '../store/packages/runtime-store.ts'
import { createProvenanceKeyStore } from '../store/provenance-keys.ts'
import { createPackagePages } from '../web/packages.tsx'
import { createConfigReader } from './config-at.ts'
import { registryLogins } from './image-builder.ts'
import { buildHosts } from './images.ts'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'
import { createWebGuard } from './web-guard.ts'

const MAIL_INTERVAL_MS = 30_000

export function createPackagesFeature(base: Foundation): Feature {
  const deps = packageDeps(base)
  const catalogue = createPackageCatalogue(base.db)
  const { guard, sessions } = createWebGuard(base)
  const viewerOf = packageViewer(base.authenticate, async (context) =>
    viewerOfSession(base, await sessions.find(context)),
  )
  const http = { ...deps, catalogue, viewerOf }
  const rebuild = (run: Run, actor: string): Promise<Run | null> => rebuildPackage(base, deps, run, actor)

  return {
    handlers: { [PACKAGE_JOB]: packageRunHandler(deps) },
    ...mailParts(base),
    runKinds: {
      package: {
        queuedCheck: (run) => queuedCheck(run.name),
        withoutCache: (run) => run.plan,
        jobOf: () => null,
        rerun: rebuild,
      },
    },
    hooks: {
      tagPushed: (repository, tag, sha, actor) =>
        unlessFileIsWrong(
          base,
          async () => void (await handleTag(deps, repository, { tag, sha }, 'tag', actor)),
          undefined,
        ),
      plannedForTag: (repository, tag, sha) =>
        unlessFileIsWrong(base, () => plannedBuilds(deps, { repository, tag, sha, event: 'tag', actor: null }), []),
      tagDeleted: (repository, tag) => deps.store.markDeletedTag(repository.id, tag),
      async reconcile(repository, { tags }) {
        const refs = [...tags].map(([tag, sha]) => ({ tag, sha }))
        for (const { tag, error } of await reconcileTags(deps, repository, refs)) {
          base.logger.warn(
            { repository: repository.name, tag: tag.tag, err: errorMessage(error) },
            'a tag could not be looked at',
          )
        }
      },
    },
    routes: [
      createCompatiblePackagesRoutes({
        ...http,
        runtimes: createRuntimeStore(base.db),
        callbackSecret: base.settings.packagesCallbackSecret,
      }),
      createPackagesApiRoutes(http),
      createPackagePages({
        catalogue,
        open: guard.open,
        viewerOf,
        logger: base.logger,
        baseUrl: base.settings.baseUrl,
      }),
    ],
  }
}

function packageDeps(base: Foundation): PackageRunDeps {
  const { metrics, settings } = base
  const configAt = createConfigReader(base.reader, createConfigCache(base.db), base.yaml)
  return {
    runs: base.runs,
    store: createPackageStore(base.db),
    source: gitPackageSource({
      mirrors: base.mirrors,
      token: async (repository) => (repository.isPrivate ? reveal(await base.cloneToken(repository)) : undefined),
      resolveTag: (repository, tag) => base.reader.tagCommit(repository, tag),
      async packages(repository, sha) {
        const loaded = await configAt(repository, sha, null)
        if (loaded.kind === 'ok') return loaded.config.packages
        if (loaded.kind === 'absent') return {}
        throw new SlipwayError('config_invalid', loaded.problems[0]?.message ?? 'slipway.yml is not valid')
      },
    }),
    words: packageWords,
    place(repository) {
      const policy = base.policyOf(repository)
      const [host] = buildHosts(base, policy.buildHosts)
      if (host === undefined) return null
      return {
        host: host.name,
        laneCap: host.maxConcurrent,
        repositoryCap: policy.maxConcurrent,
        limits: policy.limits,
      }
    },
    newId: base.newId,
    links: {
      run: base.detailsUrl,
      log: (runId) => `${settings.baseUrl}/build_log?build_id=${runId}`,
      artifact: (sha256) => `${settings.baseUrl}/api/v1/artifacts/${sha256}`,
      page: (owner, name) => `${settings.baseUrl}/packages/${owner}/${name}`,
    },
    repositories: base.repositories,
    workbench: packageWorkbench({
      instance: base.instanceId,
      engine: (host) => base.hosts.host(host).engine,
      logins: registryLogins(base),
    }),
    blobs: base.blobs,
    logs: base.logs,
    keys: signingKeys(createProvenanceKeyStore(base.db), base.cipher),
    outbox: settings.smtpUrl === null ? null : createMailOutbox(base.db),
    meter: {
      ended: (outcome, reason) => metrics.count('slipway_package_builds_total', { outcome, reason }),
      waited: (ms) => metrics.observe('slipway_package_wait_seconds', ms / 1000),
      built: (ms) => metrics.observe('slipway_package_build_seconds', ms / 1000),
      served: (bytes) => metrics.count('slipway_package_bytes_served_total', {}, bytes),
    },
    clock: base.clock,
    logger: base.logger,
    baseUrl: settings.baseUrl,
  }
}

/** A re-run goes the way of every request, so that the version and the attempt stay together. */
async function rebuildPackage(base: Foundation, deps: PackageRunDeps, run: Run, actor: string): Promise<Run | null> {
  const repository = await base.repositories.get(run.repositoryId)
  if (repository === null) return null
  const asked = await requestRebuild(deps, { run, plan: packagePlanOf(run), repository, actor })
  return asked.isNew ? await base.runs.get(asked.runId) : null
}

/** The check run `slipway` says what is wrong with the file; the tag's delivery itself is done. */
async function unlessFileIsWrong<T>(base: Foundation, work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== 'config_invalid') throw error
    base.logger.info({ cause: error.message }, 'a tag builds nothing: its file is not valid')
    return otherwise
  }
}

function mailParts(base: Foundation): Pick<Feature, 'choreHandlers' | 'chores'> {
  const { smtpUrl, mailFrom } = base.settings
  if (smtpUrl === null) return {}
  const mailer = smtpMailer({ url: smtpUrl, from: mailFrom ?? `slipway@${new URL(base.settings.baseUrl).hostname}` })
  return {
    choreHandlers: { [MAIL_JOB]: mailHandler({ store: createMessageStore(base.db), mailer, logger: base.logger }) },
    chores: [
      {
        name: 'mail',
        everyMs: MAIL_INTERVAL_MS,
        run: () => base.jobs.enqueue([{ kind: MAIL_JOB, key: MAIL_JOB, payload: {}, lane: 'chores' }]),
      },
    ],
  }
}

/** What a person sees of private repositories is asked of GitHub, repository by repository, when they look. */
async function viewerOfSession(
  base: Foundation,
  session: { readonly actor: string; readonly login: string | null; readonly isAdmin: boolean } | null,
): Promise<Viewer | null> {
  if (session === null) return null
  const { actor, login, isAdmin } = session
  if (isAdmin || login === null) return { actor, mayWrite: isAdmin, privateRepositories: isAdmin ? 'all' : [] }
  const privates = (await base.repositories.listActive()).filter((repository: RepositoryRef) => repository.isPrivate)
  const readable: number[] = []
  for (const repository of privates) if (await base.reader.canRead(repository, login)) readable.push(repository.id)
  return { actor, mayWrite: false, privateRepositories: readable }
}
