/**
 * Files in and out of a host. Volumes are reached through a container that mounts them; it is created and never
 * started, so no program of the image runs. Paths of this process mean nothing on the host and are never used.
 */
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import type { Header } from 'tar-stream'
import { SlipwayError } from '../core/errors.ts'
import type { DockerEngine } from './engine.ts'
import { segment } from './engine.ts'
import { unlessMissing } from './engine-error.ts'
import type { Labels } from './labels.ts'
import { createContainer } from './run-container.ts'
import { removeContainer } from './stop-container.ts'

/** Copying runs at the speed of the disk; a tree that takes longer than this is not a source tree. */
const COPY_TIMEOUT_MS = 15 * 60_000
const CARRIER_RESOURCES = { memoryBytes: 64 * 1024 * 1024, cpus: 1, pids: 16 }

/** Idempotent. `labels` are those of `ownershipLabels('volume', ...)`. */
export async function ensureVolume(engine: DockerEngine, name: string, labels: Labels): Promise<void> {
  await engine.call({ method: 'POST', path: '/volumes/create', body: { Name: name, Labels: labels } })
}

/** A volume that is not there counts as removed. Throws conflict while a container mounts it. */
export async function removeVolume(engine: DockerEngine, name: string): Promise<void> {
  await unlessMissing(engine.call({ method: 'DELETE', path: `/volumes/${segment(name)}` }))
}

export interface Carrier {
  readonly volume: string
  /** Any image that the host has. */
  readonly image: string
  /** Written by `ownershipLabels('container', ...)`. */
  readonly labels: Labels
}

/** Where a carrier shows its volume. */
export const CARRIER_PATH = '/slipway'

/** Mounts a volume for the time of `use`. A container that mounts it already does as well and costs nothing. */
export async function withVolume<T>(
  engine: DockerEngine,
  carrier: Carrier,
  use: (containerId: string, path: string) => Promise<T>,
): Promise<T> {
  const created = await createContainer(engine, {
    image: carrier.image,
    command: ['true'],
    volumes: [{ volume: carrier.volume, path: CARRIER_PATH }],
    network: { kind: 'none' },
    resources: CARRIER_RESOURCES,
    labels: carrier.labels,
  })
  if (created.kind !== 'created')
    throw new SlipwayError('host_refused', `a volume cannot be mounted with image ${carrier.image}: ${created.kind}`)
  try {
    return await use(created.id, CARRIER_PATH)
  } finally {
    await removeContainer(engine, created.id)
  }
}

/** Unpacks a tar stream below a folder that exists in the container. Owners and modes are those in the tar. */
export async function putArchive(
  engine: DockerEngine,
  container: string,
  path: string,
  tar: Readable,
  signal?: AbortSignal,
): Promise<void> {
  const answer = await engine.stream(
    {
      method: 'PUT',
      path: `/containers/${segment(container)}/archive`,
      query: { path, noOverwriteDirNonDir: true },
      headers: { 'Content-Type': 'application/x-tar' },
    },
    { timeoutMs: COPY_TIMEOUT_MS, signal, upload: tar },
  )
  answer.resume()
}

/** A file or folder as a tar stream whose entries begin with its last name; undefined when it is not there. */
export async function getArchive(
  engine: DockerEngine,
  container: string,
  path: string,
  signal?: AbortSignal,
): Promise<Readable | undefined> {
  return unlessMissing(
    engine.stream({ method: 'GET', path: `/containers/${segment(container)}/archive`, query: { path } }, { signal }),
  )
}

export interface ArchivedFile {
  /** Relative to the folder that was asked for. */
  readonly path: string
  readonly type: Header['type']
  readonly sizeBytes: number
  readonly mode: number
}

/** Everything below a folder of the container. It reads the whole content, at some 180 MB a second. */
export async function listFiles(
  engine: DockerEngine,
  container: string,
  folder: string,
): Promise<readonly ArchivedFile[]> {
  const files: ArchivedFile[] = []
  for await (const { header, content } of archiveEntries(engine, container, folder)) {
    content.resume()
    files.push({ path: header.name, type: header.type, sizeBytes: header.size ?? 0, mode: header.mode ?? 0 })
  }
  return files
}

/** The entries of a folder one by one, names relative to it. Each content must be read or resumed before the next comes. */
export async function* archiveEntries(
  engine: DockerEngine,
  container: string,
  folder: string,
): AsyncGenerator<{ readonly header: Header; readonly content: Readable }> {
  const tar = await getArchive(engine, container, folder)
  if (tar === undefined) return
  const entries = extract()
  tar.on('error', (error) => entries.destroy(error))
  try {
    for await (const entry of tar.pipe(entries)) {
      const name = entry.header.name.replace(/^[^/]*\/?/, '').replace(/\/$/, '')
      if (name === '') entry.resume()
      else yield { header: { ...entry.header, name }, content: Readable.from(entry) }
    }
  } finally {
    tar.destroy()
  }
}
