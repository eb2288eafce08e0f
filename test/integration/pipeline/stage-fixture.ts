import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { createFolderBlobStore } from '../../../src/blobs/folder-blob-store.ts'
import type { StageConfig } from '../../../src/config/repository-config.ts'
import { parseRepositoryConfig } from '../../../src/config/parse-repository-config.ts'
import { createYamlParser } from '../../../src/config/yaml-parser.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import type { Secret } from '../../../src/core/secret.ts'
import type { StageReport } from '../../../src/core/stage-report.ts'
import { connectDockerHost } from '../../../src/docker/connect-host.ts'
import { createStageHost } from '../../../src/docker/stage-host.ts'
import { listOwned, sweepOwned } from '../../../src/docker/sweep.ts'
import { createFolderRunLogs } from '../../../src/logs/folder-run-logs.ts'
import { cleanUp, runStage } from '../../../src/pipeline/index.ts'
import type {
  ArtifactRecord,
  CacheEntry,
  Interruption,
  StageEnd,
  StagePlan,
  StagePorts,
} from '../../../src/pipeline/index.ts'

const yaml = createYamlParser()

/** A stage as a file would have it, every step in busybox. */
export async function stageOf(text: string): Promise<StageConfig> {
  const result = await parseRepositoryConfig(
    yaml,
    `version: 1\npipeline:\n  on: {push: {}}\n  image: busybox:latest\n  stages:\n    test:\n${text.replaceAll(/^/gm, '      ')}`,
    'slipway.yml',
  )
  const stage = result.kind === 'ok' ? result.config.pipeline?.stages['test'] : undefined
  if (stage === undefined) throw new Error(JSON.stringify(result))
  return stage
}

export interface StageRig {
  readonly ports: StagePorts
  readonly folder: string
  readonly instance: string
  readonly kept: ArtifactRecord[]
  run(
    config: StageConfig,
    options?: RunOptions,
  ): Promise<{ readonly end: StageEnd; readonly log: string; readonly runId: string }>
  /** Objects of this rig that are on the host. */
  objects(): Promise<readonly string[]>
  dispose(): Promise<void>
}

export interface RunOptions {
  readonly runId?: string
  readonly secrets?: Readonly<Record<string, Secret>>
  readonly files?: Readonly<Record<string, string>>
  readonly logBytes?: number
  readonly cacheScopes?: StagePlan['cacheScopes']
  readonly known?: StageReport | null
  readonly onSave?: (report: StageReport) => void
  readonly cancel?: AbortSignal
  readonly lose?: AbortSignal
}

/** Stages on the machine's own Docker, everything else in a folder and in memory. */
export async function stageRig(
  given: { readonly folder?: string; readonly instance?: string } = {},
): Promise<StageRig> {
  const folder = given.folder ?? (await mkdtemp(join(tmpdir(), 'slipway-stage-')))
  const instance = given.instance ?? `test-${randomUUID().slice(0, 8)}`
  const host = connectDockerHost({ name: 'local', endpoint: 'unix:///var/run/docker.sock' })
  const kept: ArtifactRecord[] = []
  const caches: (CacheEntry & { readonly scope: string })[] = []
  const ports: StagePorts = {
    host: createStageHost({ engine: host.engine, instance, logins: undefined }),
    checkout: { tree: () => treeOf({}), hashFiles: async (pattern) => `hash-of-${pattern}` },
    logs: createFolderRunLogs({ folder: join(folder, 'logs'), now: Date.now, logger: silentLogger }),
    caches: {
      find: async (_repository, scopes, key) =>
        caches.findLast((entry) => scopes.includes(entry.scope) && entry.key === key) ?? null,
      findByPrefix: async (_repository, scopes, prefix) =>
        caches.findLast((entry) => scopes.includes(entry.scope) && entry.key.startsWith(prefix)) ?? null,
      keep: async (entry) => void caches.push(entry),
    },
    cacheBlobs: createFolderBlobStore(join(folder, 'caches')),
    artifacts: {
      keep: async ({ expireMs, ...artifact }) =>
        void kept.push({ ...artifact, id: randomUUID(), expiresAt: new Date(Date.now() + expireMs) }),
      list: async (runId) => kept.filter((one) => one.runId === runId),
      get: async (id) => kept.find((one) => one.id === id) ?? null,
    },
    artifactBlobs: createFolderBlobStore(join(folder, 'artifacts')),
    clock: systemClock,
  }
  return {
    ports,
    folder,
    instance,
    kept,
    async run(config, options = {}) {
      const runId = options.runId ?? randomUUID()
      const interrupt = new AbortController()
      let why: Interruption | null = null
      const stop = (interruption: Interruption) => () => {
        why ??= interruption
        interrupt.abort()
      }
      options.cancel?.addEventListener('abort', stop({ kind: 'cancelled', reason: 'by the test' }))
      options.lose?.addEventListener('abort', stop({ kind: 'lost' }))
      const end = await runStage(
        { ...ports, checkout: { ...ports.checkout, tree: () => treeOf(options.files ?? {}) } },
        {
          identity: { runId, repositoryId: 1, repository: 'octo/app', sha: 'a'.repeat(40) },
          source: {
            event: 'push',
            trust: 'trusted',
            ref: 'refs/heads/$(touch x)',
            branch: '$(touch x)',
            tag: null,
            pullRequest: null,
            actor: 'mona',
          },
          plan: planOf(config, options),
          secrets: options.secrets ?? {},
          instance: null,
          recorder: { known: options.known ?? null, save: async (report) => options.onSave?.(report) },
          signal: interrupt.signal,
          interruption: () => why,
        },
      )
      await cleanUp(ports, runId)
      const chunks: Buffer[] = []
      for await (const chunk of ports.logs.content(runId)) chunks.push(chunk)
      return { end, log: Buffer.concat(chunks).toString(), runId }
    },
    objects: async () => (await listOwned(host.engine, { instance })).map((object) => `${object.kind} ${object.id}`),
    async dispose() {
      await sweepOwned(host.engine, { instance }, () => false)
      host.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export function planOf(config: StageConfig, options: Pick<RunOptions, 'logBytes' | 'cacheScopes'> = {}): StagePlan {
  return {
    format: 1,
    stage: config.key,
    combination: {},
    config,
    env: {},
    host: 'local',
    logBytes: options.logBytes ?? 50 * 1024 * 1024,
    dependsOn: [],
    cacheScopes: options.cacheScopes ?? { write: 'branch:main', read: ['branch:main'] },
    useCache: true,
    why: { holds: true, text: 'the test says so', because: [] },
  }
}

function treeOf(files: Readonly<Record<string, string>>): Readable {
  const tree = pack()
  for (const [path, text] of Object.entries(files)) tree.entry({ name: `workspace/${path}`, mode: 0o666 }, text)
  tree.finalize()
  return tree.pipe(new PassThrough())
}
