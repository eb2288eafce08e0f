import { z } from 'zod'
import type { PackageSubject } from '../core/package-report.ts'
import type { Run } from '../core/run.ts'

const variables = z.record(z.string(), z.string())

/** What one package build does, kept with its run: an attempt repeats it without asking anybody again. */
const planSchema = z.object({
  owner: z.string(),
  repository: z.string(),
  package: z.string(),
  tag: z.string(),
  axes: variables,
  variant: z.string(),
  image: z.string(),
  commands: z.array(z.string()),
  fetch: z.array(z.string()),
  artifact: z.string(),
  network: z.enum(['default', 'none']),
  timeoutMs: z.number(),
  resources: z.object({ memoryBytes: z.number(), cpus: z.number(), pids: z.number() }),
  logBytes: z.number(),
  dependencies: z.string().nullable(),
  notifyEmail: z.boolean(),
  host: z.string(),
  /** The releases this one was built for, as `owner/repository@tag`, the first first. */
  requiredBy: z.array(z.string()),
})

export type PackagePlan = Readonly<z.infer<typeof planSchema>>

/** The plan of a run of kind `package`. Throws on anything else. */
export function packagePlanOf(run: Pick<Run, 'plan'>): PackagePlan {
  return planSchema.parse(run.plan)
}

export function subjectOf(plan: PackagePlan, sha: string): PackageSubject {
  const { owner, repository, tag, variant, image, resources, timeoutMs } = plan
  return { owner, repository, package: plan.package, tag, sha, variant, image, limits: { ...resources, timeoutMs } }
}
