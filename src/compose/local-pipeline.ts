/** `slipway run` on real parts: this machine's Docker, a folder for logs, `.slipway` for caches and artifacts. */
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { createFolderBlobStore } from '../blobs/folder-blob-store.ts'
import type { LocalPipeline, LocalPipelineParts } from '../cli/run/local-pipeline.ts'
import { parseRepositoryConfig } from '../config/parse-repository-config.ts'
import { createYamlParser } from '../config/yaml-parser.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import { secretOf, type Secret } from '../core/secret.ts'
import { connectDockerHost } from '../docker/connect-host.ts'
import { pingHost } from '../docker/host-info.ts'
import { createStageHost } from '../docker/stage-host.ts'
import { sweepOwned } from '../docker/sweep.ts'
import { openWorkingTree } from '../git/working-tree.ts'
import { createFolderRunLogs } from '../logs/folder-run-logs.ts'
import {
  cleanUp,
  runStage,
  type ArtifactStore,
  type CacheStore,
  type Interruption,
  type StagePlan,
} from '../pipeline/index.ts'
import { isPidAlive } from './this-process.ts'

const STATE_FOLDER = '.slipway'

export const localPipelineParts: LocalPipelineParts = {
  parseManifest: (text, file) => parseRepositoryConfig(createYamlParser(), text, file),
  open: openLocalPipeline,
}

async function openLocalPipeline(directory: string): Promise<LocalPipeline> {
  const docker = connectDockerHost({ name: 'local', endpoint: process.env['DOCKER_HOST'] ?? '/var/run/docker.sock' })
  await pingHost(docker.engine)
  // One for each user of this machine: a run that was killed is swept by the next one.
  const instance = `local-${createHash('sha256').update(`${hostname()} ${userInfo().username}`).digest('hex').slice(0, 12)}`
  await sweepOwned(docker.engine, { instance }, (object) => isOfLiveProcess(object.owner.run ?? ''))
  const folder = await mkdtemp(join(tmpdir(), 'slipway-run-'))
  const checkout = await openWorkingTree(directory)
  const artifactBlobs = createFolderBlobStore(join(folder, 'artifacts'))
  const ports = {
    host: createStageHost({ engine: docker.engine, instance, logins: undefined }),
    checkout,
    logs: createFolderRunLogs({ folder: join(folder, 'logs'), now: Date.now, logger: silentLogger }),
    caches: await fileCaches(join(directory, STATE_FOLDER, 'caches.json')),
    cacheBlobs: createFolderBlobStore(join(directory, STATE_FOLDER, 'caches')),
    artifactBlobs,
    artifacts: unpackingArtifacts(artifactBlobs, join(directory, STATE_FOLDER, 'artifacts')),
    clock: systemClock,
  }
  return {
    branch: checkout.branch,
    async execute({ plan }, listener, signal) {
      const runId = `${process.pid}-${randomUUID()}`
      const follow = new AbortController()
      const lines = (async () => {
        for await (const batch of ports.logs.follow(runId, { follow: true, signal: follow.signal }))
          batch.forEach((line) => listener.line(line))
      })()
      let why: Interruption | null = null
      const stop = new AbortController()
      const onCancel = (): void => {
        why ??= { kind: 'cancelled', reason: 'by hand' }
        stop.abort()
      }
      if (signal.aborted) onCancel()
      signal.addEventListener('abort', onCancel, { once: true })
      try {
        const end = await runStage(ports, {
          identity: {
            runId,
            repositoryId: 0,
            repository: `local/${directory.split('/').at(-1) ?? ''}`,
            sha: checkout.sha,
          },
          source: {
            event: 'manual',
            trust: 'trusted',
            ref: `refs/heads/${checkout.branch}`,
            branch: checkout.branch,
            tag: null,
            pullRequest: null,
            actor: null,
          },
          plan,
          secrets: secretsFromEnvironment(plan.config.secrets),
          instance: instanceFromEnvironment(plan),
          recorder: { known: null, save: async (report) => listener.progress(report) },
          signal: stop.signal,
          interruption: () => why,
        })
        await lines
        return end
      } finally {
        signal.removeEventListener('abort', onCancel)
        follow.abort()
        await cleanUp(ports, runId)
      }
    },
    async close() {
      docker.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A run's id begins with the process that does it. */
function isOfLiveProcess(runId: string): boolean {
  const pid = Number.parseInt(runId, 10)
  return Number.isSafeInteger(pid) && isPidAlive(pid)
}

function secretsFromEnvironment(names: readonly string[]): Readonly<Record<string, Secret>> {
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, secretOf(process.env[name])]])),
  )
}

/** There is no pool here; whoever has an instance names it as platformOS tools do. */
function instanceFromEnvironment(plan: StagePlan) {
  const url = process.env['MPKIT_URL']
  if (plan.config.pool === null || url === undefined) return null
  return { url, domain: new URL(url).hostname, token: secretOf(process.env['MPKIT_TOKEN'] ?? '') }
}

function unpackingArtifacts(blobs: ReturnType<typeof createFolderBlobStore>, folder: string): ArtifactStore {
  return {
    async keep({ path, sha256 }) {
      const found = await blobs.get(sha256)
      if (found === null) return
      const target = join(folder, path)
      await mkdir(dirname(target), { recursive: true })
      await pipeline(found.content, createWriteStream(target))
    },
    list: async () => [],
    get: async () => null,
  }
}

const cacheFile = z.array(z.object({ scope: z.string(), key: z.string(), sha256: z.string(), size: z.number() }))
type CacheLine = z.output<typeof cacheFile>[number]

async function fileCaches(path: string): Promise<CacheStore> {
  const text = await readFile(path, 'utf8').catch(() => '[]')
  let entries: readonly CacheLine[] = cacheFile.safeParse(JSON.parse(text)).data ?? []
  return {
    find: async (_repository, scopes, key) =>
      entries.findLast((entry) => scopes.includes(entry.scope) && entry.key === key) ?? null,
    findByPrefix: async (_repository, scopes, prefix) =>
      entries.findLast((entry) => scopes.includes(entry.scope) && entry.key.startsWith(prefix)) ?? null,
    async keep({ scope, key, sha256, size }) {
      entries = [...entries.filter((entry) => entry.scope !== scope || entry.key !== key), { scope, key, sha256, size }]
      await mkdir(dirname(path), { recursive: true })
      await writeFile(`${path}.new`, JSON.stringify(entries))
      await rename(`${path}.new`, path)
    },
  }
}
