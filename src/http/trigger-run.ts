/** `POST /trigger`: one stage of a checkout on this machine becomes runs like any other. */
import type { RepositoryConfigResult } from '../config/parse-repository-config.ts'
import { formatProblem } from '../config/config-problem.ts'
import type { RepositoryPolicy } from '../config/server-config.ts'
import { SlipwayError } from '../core/errors.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { Run, RunSource } from '../core/run.ts'
import type { RunJob, RunStore } from '../core/run-store.ts'
import type { DesiredCheck } from '../core/check.ts'
import { planPipeline, type StagePlan } from '../pipeline/index.ts'
import type { Checkouts, RunnerAccess } from './ports.ts'
import type { TriggerBody } from './runner-ids.ts'

export interface TriggerDeps {
  readonly runs: Pick<RunStore, 'create' | 'lastAttempt'>
  readonly access: Pick<RunnerAccess, 'recordTrigger'>
  readonly checkouts: Checkouts
  readonly parseManifest: (text: Uint8Array) => Promise<RepositoryConfigResult>
  readonly policyOf: (repository: RepositoryRef) => RepositoryPolicy
  readonly jobOf: (plan: StagePlan, policy: RepositoryPolicy) => RunJob
  readonly queuedCheck: (name: string) => DesiredCheck
  readonly newId: () => string
}

const MANIFEST_PATH = '.github/slipway.yml'
/** Unpacking and reporting on top of the stage's own limit. */
const OVERHEAD_MS = 5 * 60_000

/** The runs that were made, one for each combination of the stage's matrix. */
export async function triggerRun(
  deps: TriggerDeps,
  body: TriggerBody,
  organization: string | null,
  actor: string,
): Promise<readonly Run[]> {
  const owner = organization ?? String(body.orgId)
  if (organization !== null && organization.toLowerCase() !== String(body.orgId).toLowerCase()) {
    throw new SlipwayError('not_allowed', `this token belongs to ${organization}`, { field: 'orgId' })
  }
  const checkout = await deps.checkouts.open(body.gitRepoDir, owner, String(body.repoId))
  if (checkout.kind === 'refused')
    throw new SlipwayError('request_invalid', `gitRepoDir: ${checkout.message}`, { field: 'gitRepoDir' })
  const plans = await planStage(deps, checkout.manifest, checkout.repository, String(body.stageId), {
    event: 'manual',
    trust: 'trusted',
    ref: checkout.ref,
    branch: checkout.ref.replace(/^refs\/heads\//, ''),
    tag: null,
    pullRequest: null,
    actor,
  })
  const groupId = deps.newId()
  const policy = deps.policyOf(checkout.repository)
  const runs = await Promise.all(
    plans.map(async ({ name, plan, source }) => ({
      repositoryId: checkout.repository.id,
      sha: checkout.sha,
      name,
      attempt: (await deps.runs.lastAttempt(checkout.repository.id, checkout.sha, name)) + 1,
      kind: 'stage' as const,
      source,
      groupId,
      supersedeKey: null,
      plan,
      timeoutMs: (plan.config.timeoutMs + OVERHEAD_MS) * (plan.config.retry.max + 1),
      report: deps.queuedCheck(name),
      story: `Asked for by ${actor} over the runner's API`,
      job: deps.jobOf(plan, policy),
    })),
  )
  const created = await deps.runs.create(runs)
  if (created.length === 0)
    throw new SlipwayError('conflict', 'the same stage of this commit was started at the same moment; ask again')
  for (const run of created) {
    await deps.access.recordTrigger({
      runId: run.id,
      pipelineId: String(body.pipelineId),
      stageId: String(body.stageId),
      organization: owner,
    })
  }
  return created
}

async function planStage(
  deps: TriggerDeps,
  manifest: Uint8Array | null,
  repository: RepositoryRef,
  stageId: string,
  source: RunSource,
) {
  if (manifest === null)
    throw new SlipwayError('request_invalid', `gitRepoDir: the checkout has no ${MANIFEST_PATH}`, {
      field: 'gitRepoDir',
    })
  const parsed = await deps.parseManifest(manifest)
  if (parsed.kind === 'invalid')
    throw new SlipwayError('config_invalid', parsed.problems.map(formatProblem).join('\n'), { field: MANIFEST_PATH })
  const { pipeline } = parsed.config
  const stage = pipeline?.stages[stageId]
  if (pipeline === null || stage === undefined || !Object.hasOwn(pipeline.stages, stageId)) {
    const known = Object.keys(pipeline?.stages ?? {}).join(', ')
    throw new SlipwayError(
      'request_invalid',
      `stageId: ${MANIFEST_PATH} has no stage ${stageId}${known === '' ? '' : `; it has ${known}`}`,
      { field: 'stageId' },
    )
  }
  const { limits, buildHosts } = deps.policyOf(repository)
  // Exactly this stage was asked for: neither its conditions nor the stages before it are asked.
  const only = {
    ...pipeline,
    on: { ...pipeline.on, manual: { inputs: {} } },
    stages: { [stageId]: { ...stage, when: [], dependsOn: [] } },
  }
  const planned = planPipeline({
    pipeline: only,
    source: {
      ...source,
      baseBranch: null,
      cron: null,
      inputs: {},
      defaultBranch: repository.defaultBranch,
      changedFiles: null,
      message: '',
    },
    limits,
    host: buildHosts[0] ?? 'default',
    useCache: true,
  })
  if (planned.kind === 'silent') return []
  return planned.stages.flatMap((one) => (one.kind === 'run' ? [{ name: one.name, plan: one.plan, source }] : []))
}
