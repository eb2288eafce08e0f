/** What follows an ended build. Everything here is keyed by the build, so that doing it again after a crash changes nothing. */
import type { Run } from '../core/run.ts'
import { errorMessage } from '../core/errors.ts'
import { readDependencies, type PackageDependency } from './dependencies-file.ts'
import { packageEnd } from './package-end.ts'
import { packagePlanOf, type PackagePlan } from './package-plan.ts'
import { packageResultOf } from './package-result.ts'
import { requestPackageBuilds } from './request-builds.ts'
import type { PackageRunDeps } from './run-package.ts'

/** Releases in one chain of dependencies; a longer one is a mistake. */
const LONGEST_CHAIN = 32
/** GitHub's placeholders for people who keep their address to themselves. */
const NO_REPLY = /@users\.noreply\.|^(no-?reply|noreply)@/i
const ADDRESS = /^[^\s@<>,;:"()[\]\\]{1,64}@[^\s@<>,;:"()[\]\\]{1,255}$/

export async function followBuild(deps: PackageRunDeps, runId: string): Promise<void> {
  const run = await deps.runs.get(runId)
  if (run === null || run.state !== 'completed') return
  const plan = packagePlanOf(run)
  if (run.conclusion === 'success') await requestDependencies(deps, run, plan)
  if (plan.notifyEmail) await writeToAuthor(deps, run, plan)
}

/** Builds what the package's own file names, for the same axis values. What was built before is only joined. */
async function requestDependencies(deps: PackageRunDeps, run: Run, plan: PackagePlan): Promise<void> {
  const repository = await deps.repositories.get(run.repositoryId)
  if (plan.dependencies === null || repository === null) return
  const text = await deps.source.readFile(repository, run.sha, plan.dependencies)
  const chain = [...plan.requiredBy, releaseName(plan.owner, plan.repository, plan.tag)]
  if (text === null || chain.length > LONGEST_CHAIN) return
  for (const dependency of readDependencies(text)) {
    // A release that is in its own chain is being built already; asking again would only go round.
    if (chain.includes(releaseName(dependency.owner, dependency.name, dependency.tag))) continue
    const problem = await requestDependency(deps, run, plan, dependency, chain).catch((error: unknown) =>
      errorMessage(error),
    )
    if (problem !== null)
      await deps.runs.note(
        run.id,
        'dependency',
        `${dependency.owner}/${dependency.name}@${dependency.tag} is not built: ${problem}`,
      )
  }
}

/** Null when it is built or being built, else why not. */
async function requestDependency(
  deps: PackageRunDeps,
  run: Run,
  plan: PackagePlan,
  dependency: PackageDependency,
  chain: readonly string[],
): Promise<string | null> {
  const repository = await deps.repositories.findByName(dependency.owner, dependency.name)
  // The same answer for what is private and what is not there: a stranger's file learns nothing from it.
  const isReachable =
    repository !== null && (!repository.isPrivate || repository.owner.toLowerCase() === plan.owner.toLowerCase())
  if (!isReachable) return 'no such repository here'
  const sha = await deps.source.resolveTag(repository, dependency.tag)
  if (sha === null) return 'no such tag'
  // Only by its own recipe: with ours, anybody could release anything under somebody else's name.
  const { builds, problems } = await requestPackageBuilds(deps, {
    repository,
    tag: dependency.tag,
    sha,
    event: run.source.event,
    actor: run.source.actor,
    choice: { axes: plan.axes },
    requiredBy: chain,
  })
  if (builds.length > 0) return null
  return problems[0] ?? 'its configuration names no package for this tag'
}

async function writeToAuthor(deps: PackageRunDeps, run: Run, plan: PackagePlan): Promise<void> {
  const result = packageResultOf(run)
  if (deps.outbox === null || result?.outcome === undefined) return
  const letter = deps.words.letter(await packageEnd(deps, run, plan, result.outcome, result.durationMs ?? 0))
  const repository = await deps.repositories.get(run.repositoryId)
  if (letter === null || repository === null) return
  const author = await deps.source.author(repository, run.sha)
  if (author === null || NO_REPLY.test(author.email) || !ADDRESS.test(author.email)) return
  await deps.outbox.post(`package:${run.id}`, author.email, letter)
}

function releaseName(owner: string, name: string, tag: string): string {
  return `${owner}/${name}@${tag}`.toLowerCase()
}
