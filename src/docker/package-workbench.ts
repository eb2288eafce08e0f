/**
 * Where packages are built: one volume with the source and one container after the other that works on it. Containers
 * and volume carry the run's label; `clear` finds them by it, so nothing has to be remembered across a crash.
 *
 * A build that was interrupted is never taken over half-way: it is cleared and done again, which costs a repetition
 * and spares every question about what the dead process had seen.
 */
import { within } from '../core/deadline.ts'
import type { Readable } from 'node:stream'
import { SlipwayError } from '../core/errors.ts'
import type { PhaseEnd, PhaseOrder, Workbench, Workspace, WorkspaceFile, WorkspaceOrder } from '../packages/ports.ts'
import type { DockerEngine } from './engine.ts'
import { inspectImage, pullImage } from './images.ts'
import { ownershipLabels } from './labels.ts'
import type { RegistryLogins } from './registry-auth.ts'
import { createContainer, startContainer, type ContainerEnd } from './run-container.ts'
import { removeContainer } from './stop-container.ts'
import { sweepOwned } from './sweep.ts'
import { archiveEntries, ensureVolume, getArchive, putArchive, withVolume } from './volumes.ts'
import { rebasedTar } from './rebase-tar.ts'

export interface PackageWorkbenchOptions {
  readonly instance: string
  /** Throws `host_unreachable` for a name it does not know. */
  readonly engine: (host: string) => DockerEngine
  readonly logins: RegistryLogins
}

const WORKSPACE = '/workspace'
/** A command that ignores SIGTERM has this long. */
const STOP_GRACE_MS = 5_000
const RUNTIME_RESOURCES = { memoryBytes: 256 * 1024 * 1024, cpus: 1, pids: 64 }
/** Asking an image's Erlang where it lives takes a second; it is not to hang a request. */
const RUNTIME_TIMEOUT_MS = 60_000

export function packageWorkbench(options: PackageWorkbenchOptions): Workbench {
  const { instance } = options
  return {
    async clear(host, runId) {
      const engine = options.engine(host)
      const { remaining } = await sweepOwned(engine, { instance, run: runId }, () => false)
      const [left] = remaining
      if (left !== undefined)
        throw new SlipwayError(
          'host_refused',
          `${left.kind} ${left.id} of an earlier attempt cannot be removed: ${left.reason}`,
        )
    },
    async open(order, signal) {
      const engine = options.engine(order.host)
      const imageId = await provideImage(engine, order.image, options.logins, signal)
      await fillVolume(engine, instance, order, signal)
      return workspaceOf(engine, instance, { ...order, imageId })
    },
    async runtime(host, image, signal) {
      const engine = options.engine(host)
      await provideImage(engine, image, options.logins, signal)
      return readRuntime(engine, instance, image, signal)
    },
  }
}

async function provideImage(
  engine: DockerEngine,
  image: string,
  logins: RegistryLogins,
  signal: AbortSignal,
): Promise<string> {
  const found = await inspectImage(engine, image)
  if (found !== undefined) return found.id
  const pulled = await pullImage(engine, image, { logins, signal })
  if (pulled.kind === 'missing')
    throw new SlipwayError('request_invalid', `there is no image ${image}: ${pulled.message}`)
  if (pulled.kind === 'failed')
    throw new SlipwayError('host_refused', `image ${image} cannot be pulled: ${pulled.message}`)
  const fresh = await inspectImage(engine, image)
  if (fresh === undefined) throw new SlipwayError('host_refused', `image ${image} is gone right after it was pulled`)
  return fresh.id
}

const volumeName = (runId: string): string => `slipway-package-${runId}`

async function fillVolume(
  engine: DockerEngine,
  instance: string,
  order: WorkspaceOrder,
  signal: AbortSignal,
): Promise<void> {
  const volume = volumeName(order.runId)
  await ensureVolume(engine, volume, ownershipLabels('volume', { instance, run: order.runId }))
  const carrier = {
    volume,
    image: order.image,
    labels: ownershipLabels('container', { instance, run: order.runId, step: 'source' }),
  }
  await withVolume(engine, carrier, async (container, path) => {
    for await (const tar of order.source) await putArchive(engine, container, path, tar, signal)
  })
}

function workspaceOf(
  engine: DockerEngine,
  instance: string,
  order: WorkspaceOrder & { readonly imageId: string },
): Workspace {
  const volume = volumeName(order.runId)
  return {
    imageId: order.imageId,
    async run(phase, output, signal) {
      const limit = AbortSignal.timeout(phase.timeoutMs)
      const created = await createContainer(engine, {
        image: order.imageId,
        entrypoint: ['/bin/sh', '-c'],
        command: [script(phase)],
        env: phase.env,
        workdir: WORKSPACE,
        volumes: [{ volume, path: WORKSPACE }],
        network: { kind: phase.network },
        resources: phase,
        labels: ownershipLabels('container', { instance, run: order.runId, step: phase.name }),
      })
      if (created.kind !== 'created')
        throw new SlipwayError('host_refused', `the container for ${phase.name} cannot be made: ${created.kind}`)
      const end = await startContainer(
        engine,
        created.id,
        ({ stream, bytes }) => output(bytes, stream === 'stdout' ? 'out' : 'err'),
        { signal: AbortSignal.any([signal, limit]), graceMs: STOP_GRACE_MS },
      )
      await removeContainer(engine, created.id)
      return phaseEnd(end, { isOurLimit: limit.aborted && !signal.aborted, output })
    },
    files: (signal) => workspaceFiles(engine, instance, order, signal),
  }
}

interface EndContext {
  readonly isOurLimit: boolean
  readonly output: (chunk: Buffer, out: 'out' | 'err') => void
}

function phaseEnd(end: ContainerEnd, { isOurLimit, output }: EndContext): PhaseEnd {
  switch (end.kind) {
    case 'exited':
      return end.exitCode !== 0 && end.oomKilled ? { kind: 'out_of_memory' } : { kind: 'exited', code: end.exitCode }
    case 'start_failed':
      output(Buffer.from(`${end.message}\n`), 'err')
      return { kind: 'exited', code: START_FAILED }
    case 'cancelled':
      return isOurLimit ? { kind: 'timed_out' } : { kind: 'aborted' }
    case 'infrastructure':
      throw new SlipwayError('host_unreachable', end.message)
  }
}

/** What shells answer for a command that cannot be executed. */
const START_FAILED = 126

/** Each command is shown before it runs, and the first that fails ends the phase. */
function script({ commands }: PhaseOrder): string {
  const lines = commands.flatMap((command) => [`printf '+ %s\\n' ${quoted(command)}`, command])
  return ['set -e', ...lines, ''].join('\n')
}

/** Inside single quotes a POSIX shell interprets nothing. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

async function* workspaceFiles(
  engine: DockerEngine,
  instance: string,
  order: WorkspaceOrder,
  signal: AbortSignal,
): AsyncGenerator<WorkspaceFile> {
  const created = await createContainer(engine, {
    image: order.image,
    command: ['true'],
    volumes: [{ volume: volumeName(order.runId), path: WORKSPACE, readOnly: true }],
    network: { kind: 'none' },
    resources: RUNTIME_RESOURCES,
    labels: ownershipLabels('container', { instance, run: order.runId, step: 'artifact' }),
  })
  if (created.kind !== 'created')
    throw new SlipwayError('host_refused', `the workspace cannot be read: ${created.kind}`)
  try {
    for await (const { header, content } of archiveEntries(engine, created.id, WORKSPACE)) {
      if (signal.aborted) throw new SlipwayError('cancelled', 'the build was ended')
      yield { path: header.name, type: fileType(header.type), size: header.size ?? 0, content }
    }
  } finally {
    await removeContainer(engine, created.id)
  }
}

function fileType(type: string | null | undefined): WorkspaceFile['type'] {
  if (type === 'file' || type === 'contiguous-file' || type == null) return 'file'
  if (type === 'directory') return 'directory'
  return type === 'symlink' || type === 'link' ? 'link' : 'other'
}

async function readRuntime(
  engine: DockerEngine,
  instance: string,
  image: string,
  signal: AbortSignal,
): Promise<Readable | null> {
  const limited = within(RUNTIME_TIMEOUT_MS, signal)
  const created = await createContainer(engine, {
    image,
    entrypoint: ['erl'],
    command: ['-noshell', '-eval', 'io:put_chars(code:root_dir()), halt().'],
    network: { kind: 'none' },
    resources: RUNTIME_RESOURCES,
    labels: ownershipLabels('container', { instance, step: 'runtime' }),
  })
  if (created.kind !== 'created')
    throw new SlipwayError('host_refused', `image ${image} cannot be looked into: ${created.kind}`)
  const remove = async (): Promise<void> => void (await removeContainer(engine, created.id))
  try {
    const said: Buffer[] = []
    const end = await startContainer(
      engine,
      created.id,
      ({ stream, bytes }) => void (stream === 'stdout' && said.push(bytes)),
      { signal: limited },
    )
    const root = Buffer.concat(said).toString('utf8')
    const tar =
      end.kind === 'exited' && end.exitCode === 0 && root.startsWith('/')
        ? await getArchive(engine, created.id, root, signal)
        : undefined
    if (tar === undefined) {
      await remove()
      return null
    }
    return rebasedTar(tar, remove)
  } catch (error) {
    await remove()
    throw error
  }
}
