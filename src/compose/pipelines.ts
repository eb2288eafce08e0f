/** Pipelines as a feature of the process: stages in containers, their schedules, and the runner's API. */
import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { createFolderBlobStore } from '../blobs/folder-blob-store.ts'
import { parseS3Url } from '../blobs/s3-address.ts'
import { createS3BlobStore } from '../blobs/s3-blob-store.ts'
import { parseRepositoryConfig } from '../config/parse-repository-config.ts'
import type { BlobStore } from '../core/blob-store.ts'
import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { Run } from '../core/run.ts'
import { reveal, secretOf, type Secret } from '../core/secret.ts'
import { COMMIT, VERSION } from '../core/version.ts'
import { createStageHost } from '../docker/stage-host.ts'
import type { Commit } from '../flow/commit.ts'
import type { FlowDeps } from '../flow/deps.ts'
import { stageHandler } from '../flow/perform-stage.ts'
import { STAGE_JOB, stageJob, stagePlanner, type StagePlannerDeps } from '../flow/plan-stages.ts'
import type { HostCapacity } from '../flow/plan-images.ts'
import { startByHand, startDueSchedules } from '../flow/start-pipeline.ts'
import { cancelRun } from '../flow/supersede.ts'
import { createCheckouts, isLocalRepository, localMirrorId } from '../git/checkouts.ts'
import { gitMirrors } from '../git/mirror.ts'
import { changedFiles, mergeBase } from '../git/read-commit.ts'
import { commitSource } from '../git/workspace-archive.ts'
import { createLogUpgrade } from '../http/log-upgrade.ts'
import { admitToLog, runnerApi, type RunnerApiDeps } from '../http/runner-api.ts'
import { startPipelineApi } from '../http/start-pipeline-api.ts'
import { parseStagePlan, settleGroup, type InstanceAnswer, type StageDeps, type StagePlan } from '../pipeline/index.ts'
import { releaseForRun, requestForRun } from '../pool/index.ts'
import { DONE } from '../queue/ports.ts'
import { cancelledCheck, queuedCheck, skippedCheck } from '../report/run-words.ts'
import { stageEnd, stageInLine, stageProgress } from '../report/stage-words.ts'
import { createArtifactStore } from '../store/artifacts.ts'
import { createCacheStore } from '../store/caches.ts'
import { createRunnerAccess } from '../store/runner-access.ts'
import { jobKey } from '../store/runs.ts'
import { createScheduleLooks } from '../store/schedule-looks.ts'
import { createRunnerPages } from '../web/runners.tsx'
import type { Feature } from './feature.ts'
import type { Foundation } from './foundation.ts'
import { openCommit, registryLogins } from './image-builder.ts'
import type { PoolParts } from './pool.ts'
import { createWebGuard } from './web-guard.ts'
import type { Secrets } from './secrets.ts'

const RETENTION_JOB = 'pipeline.retention'
const SCHEDULE_JOB = 'pipeline.schedule'
const RETENTION_INTERVAL_MS = 10 * 60_000
/** Cron counts in minutes. */
const SCHEDULE_INTERVAL_MS = 30_000

/** What exists only once all features are joined; asked for when something happens. */
export interface PipelinesLater {
  flow(): FlowDeps
  rerun(run: Run, actor: string): Promise<Run | null>
}

export function createPipelinesFeature(
  base: Foundation,
  pool: PoolParts,
  secrets: Secrets,
  later: PipelinesLater,
): Feature {
  const artifacts = createArtifactStore(base.db)
  const caches = createCacheStore(base.db)
  // Stores of their own: bytes are removed when no row of the same kind names them.
  const artifactBlobs = openBlobs(base, 'artifacts')
  const cacheBlobs = openBlobs(base, 'caches')
  const localMirrors = gitMirrors(join(base.settings.dataDir, 'local-mirrors'), { allowFileProtocol: true })
  const access = createRunnerAccess(base.db)
  const hostsOf = (names: readonly string[]): readonly HostCapacity[] =>
    base.hosts.configs.filter((host) => names.includes(host.name))
  const planning: StagePlannerDeps = {
    hostsOf,
    changedFiles: (commit) => changedFilesOf(base, commit),
    baseBranch: async (repository, number) => (await base.refs.pullRequest(repository.id, number))?.baseRef ?? null,
  }
  const jobOf = (plan: StagePlan, repositoryCap: number) => stageJob(plan, hostsOf([plan.host]), repositoryCap)
  const settle = (groupId: string) =>
    settleGroup(
      {
        runs: base.runs,
        jobOf: (plan) => jobOf(plan, DEFAULT_CAP),
        words: { queued: queuedCheck, skipped: skippedCheck, cancelled: cancelledCheck },
      },
      groupId,
    )
  const forget = async (blobs: BlobStore, digests: readonly string[]): Promise<void> => {
    for (const digest of digests) await blobs.delete(digest)
  }

  const stage: StageDeps = {
    runs: base.runs,
    logs: base.logs,
    caches,
    cacheBlobs,
    artifacts,
    artifactBlobs,
    clock: base.clock,
    hostOf: (name) =>
      createStageHost({
        engine: base.hosts.host(name).engine,
        instance: base.instanceId,
        logins: registryLogins(base),
      }),
    async openSource(repository, sha, ref) {
      if (isLocalRepository(repository.id)) return commitSource(localMirrors.gitDir(localMirrorId(repository.id)), sha)
      return commitSource((await openCommit(base, repository, sha, ref)).gitDir, sha)
    },
    secretsOf: (repository, names) => secrets.valuesOf(repository, names),
    instances: instancesOf(base, pool),
    words: { progress: stageProgress, end: stageEnd, inLine: stageInLine },
    settle,
    logger: base.logger,
  }
  const api: RunnerApiDeps = {
    authenticate: base.authenticate,
    access,
    runs: base.runs,
    logs: base.logs,
    artifacts,
    artifactBlobs,
    checkouts: createCheckouts({
      root: base.settings.runnerRoot,
      mirrors: localMirrors,
      async keepRepository(repository) {
        await base.repositories.keep(repository)
        // Known, so that runs can belong to it, but nothing that GitHub would be asked about.
        await base.repositories.remove([repository.id])
      },
    }),
    parseManifest: (text) => parseRepositoryConfig(base.yaml, text, '.github/slipway.yml'),
    policyOf: base.policyOf,
    jobOf: (plan, policy) => jobOf(plan, policy.maxConcurrent),
    queuedCheck,
    newId: base.newId,
    async clearCaches(filter) {
      const { cleared, bytes, unused } = await caches.clear(filter)
      await forget(cacheBlobs, unused)
      return { cleared, bytes }
    },
    cancelRun: (run, actor) =>
      cancelRun(base.runs, run, { reason: 'cancelled', words: `cancelled by ${actor}`, by: actor }),
    rerun: (run, actor) => later.rerun(run, actor),
    async issueRunnerToken(organization, actor) {
      const issued = await base.tokens.issue(
        { name: `runner of ${organization}`, scope: 'runner', pools: null, organization, ttlMs: null },
        actor,
      )
      return { id: issued.record.id, token: issued.token }
    },
    ticketKey: ticketKey(base),
    baseUrl: base.settings.baseUrl,
    version: { version: VERSION, commit: COMMIT },
    now: () => base.clock.now(),
  }
  const upgrade = createLogUpgrade({
    logs: base.logs,
    runOf: (runId) => base.runs.get(runId),
    admit: (request) => admitToLog(api, request),
    baseUrl: base.settings.baseUrl,
    logger: base.logger,
  })
  const ask = (kind: string) => (): Promise<void> =>
    base.jobs.enqueue([{ kind, key: kind, payload: {}, lane: 'chores' }])

  return {
    planners: [stagePlanner(planning)],
    handlers: {
      [STAGE_JOB]: stageHandler(
        {
          runs: base.runs,
          repositories: base.repositories,
          detailsUrl: base.detailsUrl,
          startedCheck: (run) =>
            stageProgress(run.name, {
              attempts: [],
              caches: [],
              artifacts: [],
              notices: [],
              tests: null,
              annotations: [],
              instance: null,
              logTail: [],
            }),
        },
        stage,
      ),
    },
    choreHandlers: {
      [RETENTION_JOB]: {
        async handle() {
          await forget(artifactBlobs, await artifacts.dropExpired())
          await forget(cacheBlobs, await caches.trim())
          return DONE
        },
      },
      [SCHEDULE_JOB]: {
        async handle() {
          await startDueSchedules(later.flow(), planning, createScheduleLooks(base.db), new Date(base.clock.now()))
          return DONE
        },
      },
    },
    chores: [
      { name: 'pipeline retention', everyMs: RETENTION_INTERVAL_MS, run: ask(RETENTION_JOB) },
      { name: 'schedules', everyMs: SCHEDULE_INTERVAL_MS, run: ask(SCHEDULE_JOB) },
      {
        name: 'waiting stages',
        everyMs: SCHEDULE_INTERVAL_MS,
        async run() {
          const waiting = await base.runs.list({ kind: 'stage', isOpen: true, limit: 500 })
          for (const groupId of new Set(waiting.map((run) => run.groupId))) await settle(groupId)
        },
      },
    ],
    routes: [
      runnerApi(api),
      createRunnerPages({
        guard: createWebGuard(base).guard,
        runners: async () => (await base.tokens.list()).filter((token) => token.scope === 'runner'),
        issueNonce: (organization, actor) => access.issueNonce(organization, actor),
        revoke: (id, actor) => base.tokens.revoke(id, actor),
        logger: base.logger,
        baseUrl: base.settings.baseUrl,
      }),
      startPipelineApi({
        authenticate: base.authenticate,
        findRepository: (owner, name) => base.repositories.findByName(owner, name),
        start: (start) => startByHand(later.flow(), planning, start),
      }),
    ],
    runKinds: {
      stage: {
        queuedCheck: ({ name }) => queuedCheck(name),
        withoutCache: (run) => (isPlanned(run.plan) ? { ...parseStagePlan(run.plan), useCache: false } : run.plan),
        jobOf: (_run, plan) => (isPlanned(plan) ? jobOf(parseStagePlan(plan), DEFAULT_CAP) : null),
      },
    },
    onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer) {
      if (!/^\/(?:stage\/[^/?]+|api\/v1\/runs\/[^/?]+)\/logs(?:\?|$)/.test(request.url ?? '')) return false
      upgrade(request, socket, head)
      return true
    },
  }
}

/** Most stages of a repository at once on a host, where its policy is not at hand. */
const DEFAULT_CAP = 1_000

function instancesOf(base: Foundation, pool: PoolParts): StageDeps['instances'] {
  const deps = { store: pool.store, cipher: base.cipher }
  return {
    async request(run, repository, wanted): Promise<InstanceAnswer> {
      const answer = await requestForRun(deps, {
        runId: run.id,
        repositoryId: repository.id,
        repository: `${repository.owner}/${repository.name}`,
        pullRequest: run.source.pullRequest,
        branch: run.source.branch,
        pool: wanted.name,
        labels: {},
        timeoutMs: wanted.timeoutMs,
        wakeJob: { kind: STAGE_JOB, key: jobKey(run.id), payload: { runId: run.id }, repositoryId: repository.id },
      })
      switch (answer.kind) {
        case 'granted': {
          const { domain, token } = answer.reservation
          return { kind: 'held', instance: { domain, url: `https://${domain}`, token: secretOf(token) } }
        }
        case 'waiting':
          return answer
        case 'unknown_pool':
          return { kind: 'refused', message: `there is no pool ${wanted.name}` }
        case 'unservable':
          return { kind: 'refused', message: `the pool ${wanted.name} has no instance` }
        case 'limit_reached':
          return { kind: 'refused', message: `the repository holds ${answer.max} instances already` }
        case 'invalid':
          return { kind: 'refused', message: answer.message }
      }
    },
    async release(runId, failed) {
      await releaseForRun(deps, runId, { failed })
    },
  }
}

async function changedFilesOf(base: Foundation, commit: Commit): Promise<readonly string[] | null> {
  const { repository, sha, source, before } = commit
  try {
    const { gitDir } = await openCommit(base, repository, sha, source.ref)
    const other = before ?? (await defaultHead(base, repository))
    if (other === null || other === sha) return null
    await openCommit(base, repository, other, `refs/heads/${repository.defaultBranch}`)
    const isPush = before !== null && source.event === 'push'
    const from = isPush ? other : await mergeBase(gitDir, other, sha)
    return from === undefined ? null : await changedFiles(gitDir, from, sha)
  } catch (error) {
    // A former head that a force-push took away cannot be compared with: every path counts as changed.
    if (error instanceof SlipwayError && error.code === 'not_found') return null
    throw error
  }
}

/** Of a repository that was installed a moment ago no branch is known yet: then GitHub knows. */
async function defaultHead({ refs, reader }: Foundation, repository: RepositoryRef): Promise<string | null> {
  const known = await refs.branch(repository.id, repository.defaultBranch)
  return known?.headSha ?? (await reader.branchHead(repository, repository.defaultBranch))
}

function openBlobs({ settings }: Foundation, kind: string): BlobStore {
  if (settings.s3Url === null) return createFolderBlobStore(join(settings.dataDir, kind))
  const address = parseS3Url(reveal(settings.s3Url))
  return createS3BlobStore({ ...address, prefix: `${address.prefix}${kind}/` }, join(settings.dataDir, 'spool'))
}

/** Tickets have to be good in every process, so their key is derived from the one that all share. */
function ticketKey(base: Foundation): Secret {
  return secretOf(createHmac('sha256', reveal(base.encryptionKey)).update('log tickets').digest('base64'))
}

function isPlanned(plan: unknown): boolean {
  return typeof plan === 'object' && plan !== null && 'format' in plan
}
