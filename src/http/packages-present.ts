/** How the native API shows packages. */
import { z } from '@hono/zod-openapi'
import {
  isPreRelease,
  outcomeMessage,
  packageBuildState,
  packageResultOf,
  PACKAGE_BUILD_STATES,
  type ArtifactRecord,
  type BuildRecord,
  type PackageSummary,
  type VersionRecord,
} from '../packages/index.ts'
import type { Variables } from '../config/repository-config.ts'

const time = z.iso.datetime().nullable()

export const ArtifactAnswer = z
  .object({
    axes: z.record(z.string(), z.string()),
    file_name: z.string(),
    sha256: z.string(),
    size: z.number(),
    build_id: z.string(),
    published_at: z.iso.datetime(),
    download_url: z.string(),
    checksum_url: z.string(),
    provenance_url: z.string(),
  })
  .openapi('PackageArtifact')

export const VersionAnswer = z
  .object({
    tag: z.string(),
    sha: z.string(),
    is_pre_release: z.boolean(),
    moved_to: z
      .string()
      .nullable()
      .openapi({ description: 'the commit that the tag names by now; what was released stays' }),
    tag_deleted_at: time,
    retired: z.object({ at: z.iso.datetime(), reason: z.string(), by: z.string() }).nullable(),
    artifacts: z.array(ArtifactAnswer),
  })
  .openapi('PackageVersion')

export const PackageAnswer = z
  .object({
    full_name: z.string(),
    owner: z.string(),
    name: z.string(),
    repository: z.string(),
    is_private: z.boolean(),
    versions: z.number().openapi({ description: 'versions with an artifact' }),
    latest: z.string().nullable(),
    latest_published_at: time,
  })
  .openapi('Package')

export const BuildAnswer = z
  .object({
    id: z.string(),
    package: z.string(),
    tag: z.string(),
    axes: z.record(z.string(), z.string()),
    sha: z.string(),
    attempt: z.number(),
    state: z.enum(PACKAGE_BUILD_STATES),
    reason: z.string().nullable(),
    message: z.string(),
    comparison: z.string().nullable().openapi({ description: 'of a rebuild: same_bytes, same_contents or different' }),
    created_at: z.iso.datetime(),
    started_at: time,
    completed_at: time,
    artifact_sha256: z.string().nullable(),
    log_url: z.string(),
    run_url: z.string(),
  })
  .openapi('PackageBuild')

export function presentPackage({
  package: found,
  versions,
  latest,
  latestPublishedAt,
}: PackageSummary): z.infer<typeof PackageAnswer> {
  return {
    full_name: `${found.owner}/${found.name}`,
    owner: found.owner,
    name: found.name,
    repository: `${found.owner}/${found.repository}`,
    is_private: found.isPrivate,
    versions,
    latest,
    latest_published_at: latestPublishedAt?.toISOString() ?? null,
  }
}

type ArtifactOf = ArtifactRecord & { readonly axes: Variables }

export function presentVersion(
  version: VersionRecord & { readonly artifacts: readonly ArtifactOf[] },
  baseUrl: string,
): z.infer<typeof VersionAnswer> {
  const { retired } = version
  return {
    tag: version.tag,
    sha: version.sha,
    is_pre_release: isPreRelease(version.tag),
    moved_to: version.movedTo,
    tag_deleted_at: version.tagDeletedAt?.toISOString() ?? null,
    retired: retired === null ? null : { ...retired, at: retired.at.toISOString() },
    artifacts: version.artifacts.map((artifact) => presentArtifact(artifact, baseUrl)),
  }
}

export function presentBuild(build: BuildRecord, baseUrl: string): z.infer<typeof BuildAnswer> {
  const outcome = packageResultOf(build)?.outcome
  return {
    id: build.runId,
    package: `${build.package.owner}/${build.package.name}`,
    tag: build.version.tag,
    axes: build.axes,
    sha: build.sha,
    attempt: build.attempt,
    state: packageBuildState({ ...build, state: build.runState }),
    reason: build.reason,
    message: outcome === undefined ? '' : outcomeMessage(outcome),
    comparison: outcome?.kind === 'compared' ? outcome.comparison.kind : null,
    created_at: build.createdAt.toISOString(),
    started_at: build.startedAt?.toISOString() ?? null,
    completed_at: build.completedAt?.toISOString() ?? null,
    artifact_sha256: build.artifact?.sha256 ?? null,
    log_url: `${baseUrl}/api/v1/runs/${build.runId}/logs`,
    run_url: `${baseUrl}/runs/${build.runId}`,
  }
}

function presentArtifact(artifact: ArtifactOf, baseUrl: string): z.infer<typeof ArtifactAnswer> {
  const url = `${baseUrl}/api/v1/artifacts/${artifact.sha256}`
  return {
    axes: artifact.axes,
    file_name: artifact.fileName,
    sha256: artifact.sha256,
    size: artifact.size,
    build_id: artifact.runId,
    published_at: artifact.publishedAt.toISOString(),
    download_url: url,
    checksum_url: `${url}.sha256`,
    provenance_url: `${url}/provenance`,
  }
}
