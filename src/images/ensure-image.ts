/**
 * Has the image of a commit, building it only when it must. Two digests are looked up: one over the whole tree, which
 * needs no fetch at all when GitHub told the tree with the push; then one over exactly what the image is made of, so
 * that a commit which changes only the README builds nothing either.
 */
import { createHash } from 'node:crypto'
import type { RepositoryRef } from '../core/events.ts'
import type { Trust } from '../core/run.ts'
import type { BuildLog, BuildOutcome, CommitSource, ImageBuilder, ImageRecordStore, ImageTarget } from './ports.ts'

export interface EnsureImageDeps {
  readonly builder: ImageBuilder
  readonly records: ImageRecordStore
}

export interface EnsureImageRequest {
  readonly repository: RepositoryRef
  readonly sha: string
  readonly ref: string
  readonly treeSha: string | null
  readonly target: ImageTarget
  readonly trust: Trust
  readonly runId: string
  readonly useCache: boolean
  readonly log: BuildLog
  readonly signal: AbortSignal
}

export type EnsuredImage =
  | { readonly kind: 'reused'; readonly imageId: string }
  | Exclude<BuildOutcome, { kind: 'built' }>
  | { readonly kind: 'built'; readonly imageId: string }

export async function ensureImage(deps: EnsureImageDeps, request: EnsureImageRequest): Promise<EnsuredImage> {
  const { target, trust } = request
  // With .git in the context the commit itself is an input, and the tree alone says nothing about it.
  const wholeTree = request.treeSha === null || target.image.includeGit ? null : treeDigest(request.treeSha, target)
  const known = wholeTree === null || !request.useCache ? null : await reusable(deps, request, wholeTree)
  if (known !== null) return { kind: 'reused', imageId: known }

  const source = await deps.builder.openSource(request.repository, request.sha, request.ref)
  const precise = await source.inputsDigest(target.image, target.platform)
  const digests = wholeTree === null ? [precise] : [wholeTree, precise]
  const same = request.useCache ? await reusable(deps, request, precise) : null
  const outcome: EnsuredImage = same !== null ? { kind: 'reused', imageId: same } : await build(deps, request, source)
  if (outcome.kind !== 'built' && outcome.kind !== 'reused') return outcome
  for (const inputsDigest of digests) {
    await deps.records.keep({
      repositoryId: request.repository.id,
      trust,
      host: target.host,
      platform: target.platform,
      inputsDigest,
      imageId: outcome.imageId,
      runId: request.runId,
    })
  }
  return outcome
}

async function reusable(
  deps: EnsureImageDeps,
  request: EnsureImageRequest,
  inputsDigest: string,
): Promise<string | null> {
  const { host, platform } = request.target
  const record = await deps.records.find({
    repositoryId: request.repository.id,
    trust: request.trust,
    host,
    platform,
    inputsDigest,
  })
  if (record === null) return null
  // Someone may have cleaned the host up; a record is a hint, the host is the truth.
  return (await deps.builder.hasImage(host, record.imageId)) ? record.imageId : null
}

async function build(deps: EnsureImageDeps, request: EnsureImageRequest, source: CommitSource): Promise<BuildOutcome> {
  return await deps.builder.build({
    target: request.target,
    source,
    trust: request.trust,
    runId: request.runId,
    useCache: request.useCache,
    log: request.log,
    signal: request.signal,
  })
}

/** Everything of the tree and of the image's description; `publish` and `timeout` do not change the image. */
function treeDigest(treeSha: string, { image, platform }: ImageTarget): string {
  const { dockerfile, context, target, args } = image
  const inputs = JSON.stringify([
    'tree',
    treeSha,
    dockerfile,
    context,
    target,
    Object.entries(args).toSorted(),
    platform,
  ])
  return createHash('sha256').update(inputs).digest('hex')
}
