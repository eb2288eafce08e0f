/**
 * What is claimed about an artifact, as an in-toto statement with SLSA's provenance predicate (slsa.dev/provenance/v1):
 * these bytes were made from that commit, by this installation, with this recipe in that image.
 */
import { z } from 'zod'
import type { ReleasedFile } from '../../core/package-report.ts'
import type { PackagePlan } from '../package-plan.ts'

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
export const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1'
/** Below the installation's own address: what its kind of build means is documented there. */
const BUILD_TYPE_PATH = '/docs/package-build/v1'

export interface ProvenanceFacts {
  readonly baseUrl: string
  readonly plan: PackagePlan
  /** Address of the repository without `.git`. */
  readonly sourceUrl: string
  readonly sha: string
  readonly imageId: string
  readonly runId: string
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly file: ReleasedFile
}

const digests = z.record(z.string(), z.string())
const statementSchema = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.object({ name: z.string(), digest: digests })).min(1),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.object({
    buildDefinition: z.object({
      buildType: z.string(),
      externalParameters: z.record(z.string(), z.unknown()),
      internalParameters: z.record(z.string(), z.unknown()).optional(),
      resolvedDependencies: z.array(z.object({ uri: z.string(), digest: digests })).optional(),
    }),
    runDetails: z.object({
      builder: z.object({ id: z.string() }),
      metadata: z
        .object({ invocationId: z.string(), startedOn: z.string(), finishedOn: z.string() })
        .partial()
        .optional(),
    }),
  }),
})
export type ProvenanceStatement = Readonly<z.infer<typeof statementSchema>>

export function provenanceStatement(facts: ProvenanceFacts): ProvenanceStatement {
  const { plan, file, baseUrl } = facts
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: file.fileName, digest: { sha256: file.sha256 } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: `${baseUrl}${BUILD_TYPE_PATH}`,
        externalParameters: {
          repository: facts.sourceUrl,
          ref: `refs/tags/${plan.tag}`,
          package: plan.package,
          axes: plan.axes,
        },
        internalParameters: {
          image: plan.image,
          fetch: plan.fetch,
          commands: plan.commands,
          network: plan.network,
          artifact: plan.artifact,
          resources: plan.resources,
          timeoutMs: plan.timeoutMs,
        },
        resolvedDependencies: [
          { uri: `git+${facts.sourceUrl}@refs/tags/${plan.tag}`, digest: { gitCommit: facts.sha } },
          { uri: `docker:${plan.image}`, digest: { sha256: facts.imageId.replace(/^sha256:/, '') } },
        ],
      },
      runDetails: {
        builder: { id: baseUrl },
        metadata: {
          invocationId: facts.runId,
          startedOn: facts.startedAt.toISOString(),
          finishedOn: facts.finishedAt.toISOString(),
        },
      },
    },
  }
}

/** Null when it is something else. */
export function parseStatement(payload: Buffer): ProvenanceStatement | null {
  try {
    const parsed = statementSchema.safeParse(JSON.parse(payload.toString('utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
