/** The steps of a package build in their order: source, dependencies with the network, build without, release. */
import { combinationEnv } from '../config/expand-matrix.ts'
import { SlipwayError } from '../core/errors.ts'
import type { Lease } from '../core/lease.ts'
import type { RepositoryRef } from '../core/events.ts'
import type { PackageOutcome, PackagePhase } from '../core/package-report.ts'
import type { Run } from '../core/run.ts'
import type { LogSource, RunLogWriter } from '../core/run-log.ts'
import { collectArtifact } from './collect-artifact.ts'
import { subjectOf, type PackagePlan } from './package-plan.ts'
import { releaseArtifact } from './release-artifact.ts'
import type { PhaseEnd, PhaseOrder, Workspace } from './ports.ts'
import type { PackageRunDeps } from './run-package.ts'
import type { EndWatch } from './watch-for-end.ts'

export interface BuildOrder {
  readonly lease: Lease
  readonly run: Run
  readonly plan: PackagePlan
  readonly log: RunLogWriter
  readonly watch: EndWatch
}

export async function buildPackage(deps: PackageRunDeps, order: BuildOrder): Promise<PackageOutcome> {
  const { run, plan, watch } = order
  const { signal } = watch
  const repository = await repositoryOf(deps, run)
  const source = deps.source.checkout(repository, { tag: plan.tag, sha: run.sha }, signal)
  const workspace = await deps.workbench.open({ runId: run.id, host: plan.host, image: plan.image, source }, signal)
  await order.log.note(`Image ${plan.image} (${workspace.imageId}), commit ${run.sha}`)

  const fetched =
    plan.fetch.length === 0 ? null : await phase(deps, order, workspace, 'fetching', fetchOrder(run, plan))
  if (fetched !== null) return fetched
  const built = await phase(deps, order, workspace, 'building', buildOrder(run, plan))
  if (built !== null) return built

  await say(deps, order, 'publishing')
  const collected = await collectArtifact(workspace, plan.artifact, deps.blobs, signal)
  if (collected.kind === 'refused')
    return { kind: 'failed', reason: 'artifact', message: collected.message, fault: 'user' }
  const file = { fileName: collected.fileName, sha256: collected.blob.sha256, size: collected.blob.size }
  return releaseArtifact(deps, { lease: order.lease, run, plan, repository, imageId: workspace.imageId, file })
}

/** Null when the phase went well. */
async function phase(
  deps: PackageRunDeps,
  order: BuildOrder,
  workspace: Workspace,
  name: PackagePhase,
  phaseOrder: PhaseOrder,
): Promise<PackageOutcome | null> {
  const { log, watch, plan } = order
  await say(deps, order, name)
  const sourceOf = (out: 'out' | 'err'): LogSource => ({ step: phaseOrder.name, out })
  // Written in its order behind the scenes: a container is never held back by our disk.
  const end = await workspace.run(phaseOrder, (chunk, out) => void log.write(sourceOf(out), chunk), watch.signal)
  await log.end(sourceOf('out'))
  await log.end(sourceOf('err'))
  return watch.outcome(plan.timeoutMs) ?? outcomeOf(end, phaseOrder)
}

function outcomeOf(end: PhaseEnd, { name, memoryBytes, timeoutMs }: PhaseOrder): PackageOutcome | null {
  switch (end.kind) {
    case 'exited':
      return end.code === 0
        ? null
        : {
            kind: 'failed',
            reason: 'exit',
            message: `the ${name} commands ended with exit code ${end.code}`,
            fault: 'user',
          }
    case 'out_of_memory':
      return {
        kind: 'failed',
        reason: 'oom',
        message: `the ${name} commands needed more than ${memoryBytes} bytes of memory`,
        fault: 'user',
      }
    case 'timed_out':
      return { kind: 'timed_out', limitMs: timeoutMs }
    case 'aborted':
      // Not by a person and not by the limit: the process stops or has lost its lease, and somebody else goes on.
      throw new SlipwayError('cancelled', 'the build was handed over')
  }
}

async function say(deps: PackageRunDeps, { lease, run, plan }: BuildOrder, phase: PackagePhase): Promise<void> {
  await deps.runs.progress(lease, run.id, {
    report: deps.words.working(subjectOf(plan, run.sha), phase),
    result: { phase },
    story: phase,
  })
}

async function repositoryOf(deps: PackageRunDeps, run: Run): Promise<RepositoryRef> {
  const repository = await deps.repositories.get(run.repositoryId)
  if (repository === null) throw new SlipwayError('not_found', 'the repository is gone')
  return repository
}

function fetchOrder(run: Run, plan: PackagePlan): PhaseOrder {
  return { ...commonOrder(run, plan), name: 'fetch', commands: plan.fetch, network: 'default' }
}

function buildOrder(run: Run, plan: PackagePlan): PhaseOrder {
  return { ...commonOrder(run, plan), name: 'build', commands: plan.commands, network: plan.network }
}

function commonOrder(run: Run, plan: PackagePlan) {
  return {
    ...plan.resources,
    timeoutMs: plan.timeoutMs,
    env: {
      CI: 'true',
      SLIPWAY: 'true',
      SLIPWAY_RUN_ID: run.id,
      SLIPWAY_STAGE: run.name,
      SLIPWAY_REPOSITORY: `${plan.owner}/${plan.repository}`,
      SLIPWAY_SHA: run.sha,
      SLIPWAY_REF: run.source.ref,
      SLIPWAY_TAG: plan.tag,
      SLIPWAY_EVENT: run.source.event,
      ...combinationEnv(plan.axes),
    },
  }
}
