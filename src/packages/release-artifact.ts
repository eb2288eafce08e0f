import type { Readable } from 'node:stream'
import type { RepositoryRef } from '../core/events.ts'
import { SlipwayError } from '../core/errors.ts'
import type { Lease } from '../core/lease.ts'
import type { PackageOutcome, ReleasedFile } from '../core/package-report.ts'
import type { Run } from '../core/run.ts'
import { compareArtifacts } from './compare-archives.ts'
import type { PackagePlan } from './package-plan.ts'
import { signPayload, STATEMENT_PAYLOAD_TYPE } from './provenance/envelope.ts'
import { provenanceStatement } from './provenance/statement.ts'
import { readArchive } from './read-archive.ts'
import type { PackageRunDeps } from './run-package.ts'

export interface ReleaseOrder {
  readonly lease: Lease
  readonly run: Run
  readonly plan: PackagePlan
  readonly repository: RepositoryRef
  readonly imageId: string
  /** Kept in the blob store already. */
  readonly file: ReleasedFile
}

/** Publishes the file if nothing was published for its version and axes, otherwise compares it with what was. */
export async function releaseArtifact(deps: PackageRunDeps, order: ReleaseOrder): Promise<PackageOutcome> {
  const { file, lease, run } = order
  const contents = await readArchive(() => openBlob(deps, file.sha256))
  if (contents.kind === 'refused')
    return { kind: 'failed', reason: 'artifact', message: contents.message, fault: 'user' }
  const published = await deps.store.publish(lease, run.id, {
    ...file,
    provenance: await signedProvenance(deps, order),
  })
  switch (published.kind) {
    case 'published':
      return { kind: 'published', file }
    case 'moved':
      return { kind: 'tag_moved', releasedSha: published.sha }
    case 'exists': {
      const { fileName, sha256, size } = published.artifact
      const released = {
        fileName,
        sha256,
        contents: sha256 === file.sha256 ? contents : await readArchive(() => openBlob(deps, sha256)),
      }
      return {
        kind: 'compared',
        file: { fileName, sha256, size },
        comparison: compareArtifacts(released, { sha256: file.sha256, contents }),
      }
    }
  }
}

async function signedProvenance(deps: PackageRunDeps, { run, plan, repository, imageId, file }: ReleaseOrder) {
  const finishedAt = new Date(deps.clock.now())
  const statement = provenanceStatement({
    baseUrl: deps.baseUrl,
    plan,
    sourceUrl: repository.htmlUrl,
    sha: run.sha,
    imageId,
    runId: run.id,
    startedAt: run.startedAt ?? finishedAt,
    finishedAt,
    file,
  })
  return signPayload(Buffer.from(JSON.stringify(statement)), STATEMENT_PAYLOAD_TYPE, await deps.keys.current())
}

async function openBlob(deps: Pick<PackageRunDeps, 'blobs'>, sha256: string): Promise<Readable> {
  const blob = await deps.blobs.get(sha256)
  if (blob === null) throw new SlipwayError('internal', `the bytes with sha256 ${sha256} are not in the blob store`)
  return blob.content
}
