/**
 * Everything a package build touches, for real: PostgreSQL, the queue, Docker, git repositories on disk, blobs and logs
 * in a folder. Only GitHub is missing: tags and configurations come from a table of the test.
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createFolderBlobStore } from '../../../src/blobs/folder-blob-store.ts'
import type { Named, PackageConfig } from '../../../src/config/repository-config.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { RepositoryRef } from '../../../src/core/events.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { connectDockerHost } from '../../../src/docker/connect-host.ts'
import { packageWorkbench } from '../../../src/docker/package-workbench.ts'
import { listOwned } from '../../../src/docker/sweep.ts'
import { gitMirrors } from '../../../src/git/mirror.ts'
import { gitPackageSource } from '../../../src/git/package-source.ts'
import { createFolderRunLogs } from '../../../src/logs/folder-run-logs.ts'
import {
  handleTag,
  packageRunHandler,
  signingKeys,
  PACKAGE_JOB,
  type PackageRunDeps,
  type Viewer,
} from '../../../src/packages/index.ts'
import { startWorker } from '../../../src/queue/worker.ts'
import { packageWords } from '../../../src/report/package-words.ts'
import { createCipher } from '../../../src/store/cipher.ts'
import { openDatabase, sql } from '../../../src/store/database.ts'
import { createJobStore, JOBS_CHANNEL } from '../../../src/store/jobs.ts'
import { createMailOutbox } from '../../../src/store/mails.ts'
import { startNotifications } from '../../../src/store/notifications.ts'
import { createPackageCatalogue } from '../../../src/store/packages/package-catalogue.ts'
import { createPackageStore } from '../../../src/store/packages/package-store.ts'
import { createRuntimeStore } from '../../../src/store/packages/runtime-store.ts'
import { createProvenanceKeyStore } from '../../../src/store/provenance-keys.ts'
import { createProcessStore } from '../../../src/store/processes.ts'
import { createRepositoryStore } from '../../../src/store/repositories.ts'
import { createRunStore } from '../../../src/store/runs.ts'

export const EVERYBODY: Viewer = { actor: 'anonymous', mayWrite: false, privateRepositories: [] }
export const BASE_URL = 'http://slipway.test'
const HOST = 'default'

export interface WorldOptions {
  readonly databaseUrl: string
  /** Kept by the caller when several processes share it. */
  readonly folder?: string
  readonly instance?: string
  readonly hasMail?: boolean
  /** False: requests builds and does none. */
  readonly works?: boolean
  readonly wrap?: (deps: PackageRunDeps) => PackageRunDeps
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** A recipe that needs nothing but a shell. */
export function shellPackage(change: Partial<PackageConfig> = {}): PackageConfig {
  return {
    key: 'lib',
    tags: ['v*', '[0-9]*'],
    matrix: null,
    image: 'busybox',
    commands: ['tar -cf lib.ep src'],
    artifact: '*.ep',
    network: 'none',
    fetch: [],
    timeoutMs: 60_000,
    resources: { memoryBytes: 64 * 2 ** 20, cpus: 1, pids: 64 },
    dependencies: null,
    notify: { email: true },
    ...change,
  }
}

export async function openWorld(options: WorldOptions) {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'slipway-packages-')))
  const instance = options.instance ?? randomUUID()
  const db = openDatabase({ url: options.databaseUrl }, silentLogger, 8)
  const notifications = await startNotifications(db, silentLogger)
  const host = connectDockerHost({ name: HOST, endpoint: '/var/run/docker.sock' })
  const repositories = createRepositoryStore(db)
  const runs = createRunStore(db, notifications)
  const store = createPackageStore(db)
  const configs = new Map<string, Named<PackageConfig>>()
  const source = gitPackageSource({
    mirrors: gitMirrors(join(folder, 'mirrors'), { allowFileProtocol: true }),
    token: () => Promise.resolve(undefined),
    resolveTag: (repository, tag) => revParse(repository, `refs/tags/${tag}^{commit}`),
    packages: async (repository) => configs.get(repository.name) ?? {},
  })
  const limits = { memoryBytes: 2 ** 30, cpus: 2, pids: 512, timeoutMs: 120_000, logBytes: 1_000_000 }
  const ended: string[] = []
  const cipher = createCipher(Buffer.alloc(32, instance).toString('base64'))
  const plain: PackageRunDeps = {
    runs,
    store,
    source,
    words: packageWords,
    place: () => ({ host: HOST, laneCap: 2, repositoryCap: 2, limits }),
    newId: randomUUID,
    links: {
      run: (id) => `${BASE_URL}/runs/${id}`,
      log: (id) => `${BASE_URL}/build_log?build_id=${id}`,
      artifact: (sha256) => `${BASE_URL}/api/v1/artifacts/${sha256}`,
      page: (owner, name) => `${BASE_URL}/packages/${owner}/${name}`,
    },
    repositories,
    workbench: packageWorkbench({ instance, engine: () => host.engine, logins: {} }),
    blobs: createFolderBlobStore(join(folder, 'blobs')),
    logs: createFolderRunLogs({ folder: join(folder, 'logs'), now: Date.now, logger: silentLogger }),
    keys: signingKeys(createProvenanceKeyStore(db), cipher),
    outbox: options.hasMail === true ? createMailOutbox(db) : null,
    meter: {
      ended: (state, reason) => void ended.push(`${state} ${reason}`),
      waited: () => undefined,
      built: () => undefined,
      served: () => undefined,
    },
    clock: systemClock,
    logger: silentLogger,
    baseUrl: BASE_URL,
  }
  const deps = options.wrap?.(plain) ?? plain
  const processId = randomUUID()
  const processes = createProcessStore(db)
  await processes.register({ id: processId, machine: 'test', pid: process.pid })
  const jobs = createJobStore(db)
  const worker = startWorker({
    processId,
    store: jobs,
    handlers: { [PACKAGE_JOB]: packageRunHandler(deps) },
    lanes: options.works === false ? [] : [{ name: 'runs', kinds: [PACKAGE_JOB], concurrency: 2 }],
    subscribe: (wake) => notifications.subscribe(JOBS_CHANNEL, wake),
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
  })
  let lastRepository = 100

  return {
    db,
    deps,
    folder,
    instance,
    runs,
    jobs,
    processId,
    processes,
    notifications,
    ended,
    catalogue: createPackageCatalogue(db),
    runtimes: createRuntimeStore(db),
    /** A repository on disk with these files in its first commit. */
    async repository(
      name: string,
      files: Readonly<Record<string, string>>,
      packages: Named<PackageConfig>,
      change: Partial<RepositoryRef> = {},
    ) {
      const path = join(folder, 'repositories', name)
      await mkdir(path, { recursive: true })
      await git(path, 'init', '-q', '-b', 'main')
      await git(path, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
      const repository: RepositoryRef = {
        id: (lastRepository += 1),
        owner: 'acme',
        name,
        installationId: 1,
        isPrivate: false,
        defaultBranch: 'main',
        cloneUrl: `file://${path}`,
        htmlUrl: `https://github.com/acme/${name}`,
        ...change,
      }
      await repositories.keepInstallation({
        id: 1,
        account: 'acme',
        permissions: {},
        isSuspended: false,
        isDeleted: false,
      })
      await repositories.keep(repository)
      configs.set(name, packages)
      await this.commit(repository, files)
      return repository
    },
    async commit(repository: RepositoryRef, files: Readonly<Record<string, string>>): Promise<string> {
      const path = repository.cloneUrl.replace('file://', '')
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(path, name)), { recursive: true })
        await writeFile(join(path, name), content)
      }
      await git(path, 'add', '-A')
      await git(
        path,
        '-c',
        'user.name=Ada',
        '-c',
        'user.email=ada@example.org',
        'commit',
        '-q',
        '--allow-empty',
        '-m',
        'change',
      )
      return (await git(path, 'rev-parse', 'HEAD')).trim()
    },
    /** Tags the head (again) and tells the packages, as a webhook does. */
    async tag(repository: RepositoryRef, tag: string) {
      const sha = await this.tagOnly(repository, tag)
      return { sha, ...(await handleTag(deps, repository, { tag, sha }, 'tag', 'octocat')) }
    },
    async tagOnly(repository: RepositoryRef, tag: string): Promise<string> {
      await git(repository.cloneUrl.replace('file://', ''), 'tag', '-f', tag)
      return (await revParse(repository, 'HEAD')) ?? ''
    },
    /** Waits until nothing is open any more. */
    async settled(): Promise<void> {
      for (;;) {
        const row = await db.first<{ open: number }>(sql`select
          (select count(*) from runs where state <> 'completed')::integer + (select count(*) from jobs where kind = ${PACKAGE_JOB})::integer as open`)
        if (row?.open === 0) return
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    },
    async builds() {
      return this.catalogue.builds({ limit: 100 }, { ...EVERYBODY, privateRepositories: 'all' })
    },
    async log(runId: string): Promise<string> {
      const parts: Buffer[] = []
      for await (const part of deps.logs.content(runId)) parts.push(part)
      return Buffer.concat(parts).toString('utf8')
    },
    left: () => listOwned(host.engine, { instance }),
    async close({ keepFolder = false } = {}): Promise<void> {
      await worker.stop(0)
      await notifications.stop()
      await db.close()
      host.close()
      if (!keepFolder) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function git(cwd: string, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', [...argv], { cwd })
  return stdout
}

async function revParse(repository: RepositoryRef, name: string): Promise<string | null> {
  return git(repository.cloneUrl.replace('file://', ''), 'rev-parse', '--verify', '-q', name).then(
    (text) => text.trim(),
    () => null,
  )
}
