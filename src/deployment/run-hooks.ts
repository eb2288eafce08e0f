import type { DeployDeps, DeployWork } from './deploy-deps.ts'
import type { Hand, Rollout } from './ports.ts'
import type { RollFailure } from './release.ts'

/** Runs the commands in the new image, one after the other; one that ended before a crash is not run again. */
export async function runHooks(
  deps: DeployDeps,
  work: DeployWork,
  rollout: Rollout,
  phase: 'pre' | 'post',
  commands: readonly string[],
): Promise<RollFailure | null> {
  for (const [index, command] of commands.entries()) {
    const hook = { name: `${phase}-${index + 1}`, command, image: rollout.image, rollout }
    const { exitCode, logTail } = await deps.hooks.run(work.service.host, hook, work.cancel)
    for (const line of logTail) work.note(`${phase}_deploy: ${line}`)
    if (exitCode !== 0)
      return {
        kind: 'hook_failed',
        cause: `the ${phase}_deploy hook "${command}" ended with exit code ${exitCode}`,
        exitCode,
        logTail,
      }
  }
  return null
}

export function handOf(work: DeployWork, signal: AbortSignal): Hand {
  return { lease: work.lease, signal, note: work.note }
}
