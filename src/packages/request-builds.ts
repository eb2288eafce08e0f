/**
 * The one way to a package build, whoever asks: a webhook, the reconciler, an API, a dependency, a person.
 *
 * What may exist once is decided by two keys in the database: the version's row says which commit a tag stands for,
 * and the run's key (repository, commit, check name, attempt) says that a build exists. So any number of equal requests,
 * in any number of processes, end up at one build. A crash between the steps leaves nothing that the next request,
 * or the build itself, does not complete.
 */
import type { RepositoryRef } from '../core/events.ts'
import type { PackageWords } from '../core/package-report.ts'
import type { Run, RunEvent } from '../core/run.ts'
import type { NewRun, RunStore } from '../core/run-store.ts'
import { subjectOf, type PackagePlan } from './package-plan.ts'
import { planPackages, type PackageChoice } from './plan-packages.ts'
import type { PackageSource, PackageStore, PlacePackages } from './ports.ts'
import { isTagName } from './tag-name.ts'
import { versionSortKey } from './version-order.ts'

export const PACKAGE_JOB = 'run.package'

export interface RequestDeps {
  readonly runs: RunStore
  readonly store: PackageStore
  readonly source: PackageSource
  readonly words: PackageWords
  readonly place: PlacePackages
  readonly newId: () => string
  readonly links: PackageLinks
}

/** Addresses that reports and mails show. */
export interface PackageLinks {
  run(runId: string): string
  log(runId: string): string
  artifact(sha256: string): string
  page(owner: string, name: string): string
}

export interface PackageRequest {
  readonly repository: RepositoryRef
  readonly tag: string
  /** The commit that the tag names, peeled. */
  readonly sha: string
  readonly event: RunEvent
  readonly actor: string | null
  readonly choice?: PackageChoice
  readonly notifyEmail?: boolean
  readonly requiredBy?: readonly string[]
}

export interface RequestedBuild {
  readonly runId: string
  readonly package: string
  /** Null when another commit holds the tag: then the run only says so. */
  readonly versionId: string | null
  readonly isNew: boolean
}

export interface PackageRequestResult {
  readonly builds: readonly RequestedBuild[]
  /** Sentences about what is not built. */
  readonly problems: readonly string[]
}

export async function requestPackageBuilds(deps: RequestDeps, request: PackageRequest): Promise<PackageRequestResult> {
  const { repository, tag } = request
  if (!isTagName(tag)) return { builds: [], problems: [`${JSON.stringify(tag)} is not a tag's name`] }
  const placement = deps.place(repository)
  if (placement === null) return { builds: [], problems: ['no Docker host builds for this repository'] }
  const packages = await deps.source.packages(repository, request.sha)
  const subject = { owner: repository.owner, repository: repository.name, tag }
  const planning = planPackages(subject, packages, { ...request, limits: placement.limits })
  const groupId = deps.newId()
  const builds: RequestedBuild[] = []
  for (const { checkName, plan } of planning.builds) {
    builds.push(
      await requestOne(deps, request, { checkName, plan: { ...plan, host: placement.host }, groupId, attempt: null }),
    )
  }
  return { builds, problems: planning.problems }
}

/** The runs that a request would make where none of them is there yet. Nothing is changed. */
export async function plannedBuilds(deps: RequestDeps, request: PackageRequest): Promise<readonly NewRun[]> {
  const { repository, tag, sha } = request
  const placement = deps.place(repository)
  if (!isTagName(tag) || placement === null) return []
  const subject = { owner: repository.owner, repository: repository.name, tag }
  const { builds } = planPackages(subject, await deps.source.packages(repository, sha), {
    ...request,
    limits: placement.limits,
  })
  const groupId = deps.newId()
  return builds.map(({ checkName, plan }) =>
    newRun(deps, request, { checkName, plan: { ...plan, host: placement.host }, groupId, attempt: null }),
  )
}

/** Another attempt at a build, by its own plan; an attempt that is still under way is joined. */
export async function requestRebuild(
  deps: RequestDeps,
  order: {
    readonly run: Run
    readonly plan: PackagePlan
    readonly repository: RepositoryRef
    readonly actor: string | null
  },
): Promise<RequestedBuild> {
  const { run, repository, actor } = order
  const last = await deps.runs.lastAttempt(run.repositoryId, run.sha, run.name)
  const request = { repository, tag: order.plan.tag, sha: run.sha, event: 'manual' as const, actor }
  const isOpen = (await newestRun(deps.runs, run))?.state !== 'completed'
  return requestOne(deps, request, {
    checkName: run.name,
    plan: { ...order.plan, host: deps.place(repository)?.host ?? order.plan.host },
    groupId: deps.newId(),
    attempt: isOpen ? null : last + 1,
  })
}

interface PlannedBuild {
  readonly checkName: string
  readonly plan: PackagePlan
  readonly groupId: string
  /** Null: the first, or whichever exists. */
  readonly attempt: number | null
}

async function requestOne(deps: RequestDeps, request: PackageRequest, build: PlannedBuild): Promise<RequestedBuild> {
  const { repository, tag, sha } = request
  const { plan } = build
  const claim = await deps.store.claimVersion({
    repository,
    package: plan.package,
    tag,
    sha,
    sortKey: versionSortKey(tag),
  })
  if (claim.kind === 'moved') {
    const refused = {
      ...newRun(deps, request, build),
      job: null,
      reason: 'tag_moved',
      ...movedReport(deps, request, plan, claim.sha),
    }
    const { run, isNew } = await createOrJoin(deps.runs, refused)
    return { runId: run.id, package: plan.package, versionId: null, isNew }
  }
  const joined = await createOrJoin(deps.runs, newRun(deps, request, build))
  // The tag was refused for this commit before and is free for it now.
  const { run, isNew } =
    joined.run.reason === 'tag_moved'
      ? await createOrJoin(deps.runs, newRun(deps, request, { ...build, attempt: joined.run.attempt + 1 }))
      : joined
  await deps.store.recordBuild({ runId: run.id, versionId: claim.versionId, axes: plan.axes, variant: plan.variant })
  return { runId: run.id, package: plan.package, versionId: claim.versionId, isNew }
}

async function createOrJoin(runs: RunStore, run: NewRun): Promise<{ readonly run: Run; readonly isNew: boolean }> {
  const existing = await newestRun(runs, run)
  if (existing !== null && existing.attempt >= run.attempt) return { run: existing, isNew: false }
  const [created] = await runs.create([run])
  if (created !== undefined) return { run: created, isNew: true }
  const winner = await newestRun(runs, run)
  if (winner === null) throw new Error(`run ${run.name} was neither made nor found`)
  return { run: winner, isNew: false }
}

async function newestRun(
  runs: RunStore,
  key: { readonly repositoryId: number; readonly sha: string; readonly name: string },
): Promise<Run | null> {
  const { repositoryId, sha, name } = key
  const [newest = null] = await runs.list({ repositoryId, sha, name, kind: 'package', limit: 1 })
  return newest
}

function newRun(deps: RequestDeps, request: PackageRequest, build: PlannedBuild): NewRun {
  const { repository, tag, sha, event, actor } = request
  const { plan, checkName } = build
  const placement = deps.place(repository)
  const caps = placement === null ? {} : { laneCap: placement.laneCap, repositoryCap: placement.repositoryCap }
  return {
    kind: 'package',
    repositoryId: repository.id,
    sha,
    name: checkName,
    attempt: build.attempt ?? 1,
    source: { event, trust: 'trusted', ref: `refs/tags/${tag}`, branch: null, tag, pullRequest: null, actor },
    groupId: build.groupId,
    supersedeKey: null,
    plan,
    timeoutMs: plan.timeoutMs,
    report: deps.words.queued(subjectOf(plan, sha)),
    story: storyOf(request, plan),
    job: { kind: PACKAGE_JOB, lane: `host:${plan.host}`, ...caps },
  }
}

function storyOf({ event, actor, tag }: PackageRequest, plan: PackagePlan): string {
  const requirer = plan.requiredBy.at(-1)
  if (requirer !== undefined) return `${requirer} depends on ${plan.package}@${tag}`
  if (event === 'manual') return `${actor ?? 'somebody'} asked for ${plan.package}@${tag}`
  return event === 'reconcile' ? `the tag ${tag} was found without its package` : `the tag ${tag} was pushed`
}

function movedReport(deps: RequestDeps, { sha, tag }: PackageRequest, plan: PackagePlan, releasedSha: string) {
  const subject = subjectOf(plan, sha)
  const page = deps.links.page(plan.owner, plan.package)
  const report = deps.words.ended({
    subject,
    outcome: { kind: 'tag_moved', releasedSha },
    durationMs: 0,
    tail: [],
    links: { run: page, log: page, download: null, page },
  })
  return { report, story: `the tag ${tag} moved from ${releasedSha} to ${sha}; what was released under it stays` }
}
