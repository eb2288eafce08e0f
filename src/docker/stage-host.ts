/** A Docker host as stages see it (`pipeline/ports.ts`): every object carries the labels of this installation and the run. */
import type { Readable } from 'node:stream'
import { PassThrough } from 'node:stream'
import { extract, pack } from 'tar-stream'
import type { LogResume } from '../core/run-log.ts'
import type {
  ContainerOutcome,
  FollowContainer,
  FoundContainer,
  OutputSink,
  StageContainer,
  StageHost,
  WorkspaceFile,
} from '../pipeline/ports.ts'
import { VOLUME_PATH } from '../pipeline/ports.ts'
import type { ContainerSpec } from './container-options.ts'
import { inspectContainer } from './container-state.ts'
import type { DockerEngine } from './engine.ts'
import { inspectImage, pullImage } from './images.ts'
import { ownershipLabels } from './labels.ts'
import { ensureNetwork } from './networks.ts'
import type { RegistryLogins } from './registry-auth.ts'
import { adoptContainer, createContainer, startContainer } from './run-container.ts'
import type { ContainerEnd } from './run-container.ts'
import { execInContainer } from './services/exec.ts'
import { sweepOwned } from './sweep.ts'
import { ensureVolume, getArchive, putArchive } from './volumes.ts'

export interface StageHostOptions {
  readonly engine: DockerEngine
  /** Id of this installation. */
  readonly instance: string
  readonly logins: RegistryLogins | undefined
  /** Such as `runsc`, for commits of strangers; undefined takes the host's default. */
  readonly runtime?: string | undefined
}

export function createStageHost({ engine, instance, logins, runtime }: StageHostOptions): StageHost {
  return {
    name: engine.host,
    async ensureImage(reference, onProgress, signal) {
      if ((await inspectImage(engine, reference)) !== undefined) return { kind: 'ready' }
      onProgress(`pulling ${reference}`)
      const pulled = await pullImage(engine, reference, {
        ...(logins === undefined ? {} : { logins }),
        onProgress,
        signal,
      })
      return pulled.kind === 'pulled' ? { kind: 'ready' } : pulled
    },
    ensureVolume: (name, run) => ensureVolume(engine, name, ownershipLabels('volume', { instance, run })),
    async ensureNetwork(name, run, isInternal) {
      await ensureNetwork(engine, { name, internal: isInternal, labels: ownershipLabels('network', { instance, run }) })
    },
    async createContainer(container) {
      const created = await createContainer(engine, specOf(container, instance, runtime), container.name)
      switch (created.kind) {
        case 'created':
          return { kind: 'ready', found: { id: created.id, state: 'created' } }
        case 'name_taken': {
          const found = await find(engine, container.name)
          return found === null ? { kind: 'refused', message: created.message } : { kind: 'ready', found }
        }
        case 'missing_image':
          return { kind: 'missing_image', message: `there is no image ${created.image} on ${engine.host}` }
        case 'refused':
          return created
      }
    },
    findContainer: (name) => find(engine, name),
    async fill(containerId, files, tree, signal) {
      await putArchive(engine, containerId, VOLUME_PATH, withFiles(files, tree), signal)
    },
    unpack: (containerId, tar, signal) => putArchive(engine, containerId, VOLUME_PATH, tar, signal),
    async start(containerId, follow) {
      return outcomeOf(await startContainer(engine, containerId, follow.sink, follow))
    },
    async adopt(containerId, resume, follow) {
      const at = Math.max(resume.stdout.at, resume.stderr.at)
      const position = {
        stdout: resume.stdout.bytes,
        stderr: resume.stderr.bytes,
        at: `${Math.floor(at / 1000)}.${String(at % 1000).padStart(3, '0')}000000`,
      }
      return outcomeOf(await adoptContainer(engine, containerId, position, skippingLines(resume, follow), follow))
    },
    exec: (containerId, argv) => execInContainer(engine, containerId, argv),
    files: (containerId, path) => workspaceFiles(engine, containerId, path),
    async tar(containerId, path) {
      return (await getArchive(engine, containerId, path)) ?? null
    },
    async removeAll(run) {
      const { remaining } = await sweepOwned(engine, { instance, run }, (object) => object.kind === 'image')
      return remaining.map((object) => `${object.kind} ${object.id.slice(0, 12)} (${object.reason})`)
    },
  }
}

function specOf(container: StageContainer, instance: string, runtime: string | undefined): ContainerSpec {
  const { image, env, resources, network } = container
  return {
    image,
    ...(container.entrypoint === null ? {} : { entrypoint: container.entrypoint }),
    ...(container.command === null ? {} : { command: container.command }),
    env,
    ...(container.volume === null
      ? {}
      : { volumes: [{ volume: container.volume, path: VOLUME_PATH }], workdir: `${VOLUME_PATH}/workspace` }),
    network,
    resources,
    ...(container.mayOwnFiles ? { capabilities: 'own_files_and_user' } : {}),
    ...(runtime === undefined ? {} : { runtime }),
    labels: ownershipLabels('container', { instance, run: container.run, step: container.step }),
  }
}

async function find(engine: DockerEngine, name: string): Promise<FoundContainer | null> {
  const state = await inspectContainer(engine, name)
  if (state === undefined) return null
  if (state.status === 'created') return { id: state.id, state: 'created' }
  return { id: state.id, state: state.running ? 'running' : 'exited' }
}

function outcomeOf(end: ContainerEnd): ContainerOutcome {
  return end.kind === 'cancelled' ? { kind: 'ended' } : end
}

/** Passes over the lines that are kept already but whose length in bytes nobody recorded. */
function skippingLines(
  resume: { readonly stdout: LogResume; readonly stderr: LogResume },
  follow: FollowContainer,
): OutputSink {
  const left = { stdout: resume.stdout.lines, stderr: resume.stderr.lines }
  return ({ stream, bytes }) => {
    let from = 0
    while (left[stream] > 0 && from < bytes.length) {
      const end = bytes.indexOf(10, from)
      if (end < 0) return
      left[stream] -= 1
      from = end + 1
    }
    if (from < bytes.length) follow.sink({ stream, bytes: bytes.subarray(from) })
  }
}

type Entry = { readonly path: string; readonly mode: number; readonly text: string }

/** A tar stream of our own files and the folders around them, then another tar's entries. */
function withFiles(files: readonly Entry[], tree: Readable | null): Readable {
  const head = pack()
  // Every user of every image may write there: steps of one run share it and run as whoever their image says.
  head.entry({ name: 'workspace/', type: 'directory', mode: 0o777 })
  head.entry({ name: 'steps/', type: 'directory', mode: 0o755 })
  for (const { path, mode, text } of files) head.entry({ name: path, mode }, text)
  head.finalize()
  const output = new PassThrough()
  appendTree(head.pipe(new PassThrough()), tree, output).catch((error: unknown) =>
    output.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  return output
}

/** Two blocks of zeros end a tar; what follows them is not read. */
const TAR_END_BYTES = 1024

async function appendTree(head: AsyncIterable<Uint8Array>, tree: Readable | null, output: PassThrough): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of head) chunks.push(chunk)
  const whole = Buffer.concat(chunks)
  output.write(tree === null ? whole : whole.subarray(0, whole.length - TAR_END_BYTES))
  if (tree === null) output.end()
  else tree.on('error', (error) => output.destroy(error)).pipe(output)
}

/** A single file that was asked for has an empty path. */
async function* workspaceFiles(engine: DockerEngine, containerId: string, path: string): AsyncGenerator<WorkspaceFile> {
  const tar = await getArchive(engine, containerId, path)
  if (tar === undefined) return
  const entries = extract()
  tar.on('error', (error) => entries.destroy(error))
  try {
    for await (const entry of tar.pipe(entries)) {
      const { name, type, size, mode } = entry.header
      const content = new PassThrough()
      entry.pipe(content)
      yield {
        path: name.replace(/^[^/]*\/?/, '').replace(/\/$/, ''),
        type: KIND_OF[type ?? 'file'] ?? 'other',
        size,
        mode,
        content,
      }
    }
  } finally {
    tar.destroy()
  }
}

const KIND_OF: Readonly<Record<string, WorkspaceFile['type']>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'link',
  link: 'link',
}
