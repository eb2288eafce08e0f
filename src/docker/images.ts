import type { Readable } from 'node:stream'
import { z } from 'zod'
import { SlipwayError } from '../core/errors.ts'
import type { DockerEngine, EngineRequest } from './engine.ts'
import { segment } from './engine.ts'
import { engineFailure, unlessMissing } from './engine-error.ts'
import { parseImageReference } from './image-reference.ts'
import { readJsonLines } from './json-lines.ts'
import { registryAuthHeader } from './registry-auth.ts'
import type { RegistryLogins } from './registry-auth.ts'

export interface ImageInfo {
  /** `sha256:...` of the image's configuration; the same on every host. */
  readonly id: string
  /** `name@sha256:...` for each registry the image came from or went to. */
  readonly digests: readonly string[]
  readonly tags: readonly string[]
  readonly sizeBytes: number
  readonly platform: string
  readonly labels: Readonly<Record<string, string>>
  readonly user: string
  readonly exposedPorts: readonly string[]
}

export interface TransferOptions {
  readonly logins?: RegistryLogins
  readonly platform?: string
  /** Short lines such as "Downloading"; for the log of a run. */
  readonly onProgress?: (line: string) => void
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

export type PullResult =
  | { readonly kind: 'pulled' }
  /** The registry answered that there is no such image, or not for this login: registries do not tell these apart. */
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }

export type PushResult =
  | { readonly kind: 'pushed'; readonly digest: string }
  | { readonly kind: 'failed'; readonly message: string }

/** Large images over slow lines; a transfer that takes longer has stalled. */
const TRANSFER_TIMEOUT_MS = 15 * 60_000

/** Undefined when the host does not have the image. */
export async function inspectImage(engine: DockerEngine, reference: string): Promise<ImageInfo | undefined> {
  const answer = await unlessMissing(engine.call({ method: 'GET', path: `/images/${segment(reference)}/json` }))
  if (answer === undefined) return undefined
  const image = imageAnswer.parse(answer)
  return {
    id: image.Id,
    digests: image.RepoDigests ?? [],
    tags: image.RepoTags ?? [],
    sizeBytes: image.Size,
    platform: [image.Os, image.Architecture, image.Variant].filter(Boolean).join('/'),
    labels: image.Config?.Labels ?? {},
    user: image.Config?.User ?? '',
    exposedPorts: Object.keys(image.Config?.ExposedPorts ?? {}),
  }
}

export function pullRequest(
  reference: string,
  options: Pick<TransferOptions, 'logins' | 'platform'> = {},
): EngineRequest {
  const { name, tag, digest } = parseImageReference(reference)
  return {
    method: 'POST',
    path: '/images/create',
    // Without a tag the Engine would fetch every tag there is.
    query: { fromImage: name, tag: digest ?? tag ?? 'latest', platform: options.platform },
    headers: registryAuthHeader(reference, options.logins),
  }
}

export async function pullImage(
  engine: DockerEngine,
  reference: string,
  options: TransferOptions = {},
): Promise<PullResult> {
  const outcome = await transfer(engine, pullRequest(reference, options), options)
  if (outcome.kind === 'done') return { kind: 'pulled' }
  const missing = /manifest unknown|not found|no such image|pull access denied|unauthorized|denied/i.test(
    outcome.message,
  )
  return { kind: missing ? 'missing' : 'failed', message: outcome.message }
}

export async function pushImage(
  engine: DockerEngine,
  reference: string,
  options: TransferOptions = {},
): Promise<PushResult> {
  const { name, tag } = parseImageReference(reference)
  const request: EngineRequest = {
    method: 'POST',
    path: `/images/${segment(name)}/push`,
    query: { tag: tag ?? 'latest' },
    headers: registryAuthHeader(reference, options.logins),
  }
  const outcome = await transfer(engine, request, options)
  if (outcome.kind === 'failed') return outcome
  if (outcome.digest === undefined)
    return { kind: 'failed', message: 'the registry did not say under which digest it stored the image' }
  return { kind: 'pushed', digest: outcome.digest }
}

/** Gives an image another name. Throws not_found when there is no such image. */
export async function tagImage(engine: DockerEngine, image: string, reference: string): Promise<void> {
  const { name, tag } = parseImageReference(reference)
  await engine.call({
    method: 'POST',
    path: `/images/${segment(image)}/tag`,
    query: { repo: name, tag: tag ?? 'latest' },
  })
}

/** False when something still uses it. An image that is not there counts as removed. */
export async function removeImage(engine: DockerEngine, reference: string): Promise<boolean> {
  try {
    await unlessMissing(engine.call({ method: 'DELETE', path: `/images/${segment(reference)}` }))
    return true
  } catch (thrown) {
    if (engineFailure(thrown).kind === 'conflict') return false
    throw thrown
  }
}

/** Streams an image from one host to another, for hosts that share no registry. Its id is the same on both. */
export async function copyImage(
  from: DockerEngine,
  to: DockerEngine,
  reference: string,
  options: TransferOptions = {},
): Promise<void> {
  const archive = await from.stream(
    { method: 'GET', path: `/images/${segment(reference)}/get` },
    { signal: options.signal },
  )
  await loadImage(to, archive, options)
}

export async function loadImage(engine: DockerEngine, archive: Readable, options: TransferOptions = {}): Promise<void> {
  const limit = options.timeoutMs ?? TRANSFER_TIMEOUT_MS
  const answer = await engine.stream(
    { method: 'POST', path: '/images/load', query: { quiet: true } },
    { timeoutMs: limit, signal: options.signal, upload: archive },
  )
  for await (const item of readJsonLines(answer)) {
    const { error } = progressItem.parse(item)
    if (error !== undefined)
      throw new SlipwayError('host_refused', `Docker host ${engine.host} cannot load the image: ${error}`)
  }
}

type Transfer =
  | { readonly kind: 'done'; readonly digest: string | undefined }
  | { readonly kind: 'failed'; readonly message: string }

/** The Engine answers 200 as soon as it begins; whether it went well stands in the last lines. */
async function transfer(engine: DockerEngine, request: EngineRequest, options: TransferOptions): Promise<Transfer> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TRANSFER_TIMEOUT_MS)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal])
  let digest: string | undefined
  try {
    const stream = await engine.stream(request, { timeoutMs: 0, signal })
    for await (const item of readJsonLines(stream)) {
      const progress = progressItem.parse(item)
      if (progress.error !== undefined) return { kind: 'failed', message: progress.error }
      if (progress.status !== undefined && progress.progress === undefined)
        options.onProgress?.([progress.id, progress.status].filter(Boolean).join(': '))
      digest = progress.aux?.Digest ?? digest
    }
    return { kind: 'done', digest }
  } catch (thrown) {
    if (timeout.aborted) return { kind: 'failed', message: 'the transfer took too long' }
    const failure = engineFailure(thrown)
    if (failure.kind === 'unreachable' || failure.kind === 'cancelled') throw thrown
    return { kind: 'failed', message: failure.message }
  }
}

const progressItem = z.object({
  status: z.string().optional(),
  id: z.string().optional(),
  progress: z.string().optional(),
  error: z.string().optional(),
  aux: z.object({ Digest: z.string().optional() }).optional(),
})

const imageAnswer = z.object({
  Id: z.string(),
  RepoDigests: z.array(z.string()).nullish(),
  RepoTags: z.array(z.string()).nullish(),
  Size: z.number(),
  Os: z.string(),
  Architecture: z.string(),
  Variant: z.string().optional(),
  Config: z
    .object({
      Labels: z.record(z.string(), z.string()).nullish(),
      User: z.string().optional(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
})
