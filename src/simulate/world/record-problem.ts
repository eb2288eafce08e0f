/** Notes a broken rule. Nothing is refused here: the report at the end shows what a client did wrong. */
import type { ProblemKind, World } from './world.ts'

/** Enough to see every kind; a client in a loop must not fill the memory. */
const maxProblems = 1_000

export function recordProblem(world: World, kind: ProblemKind, message: string, operation?: string): void {
  if (world.problems.length >= maxProblems) return
  world.problems.push({
    kind,
    message,
    at: world.now().toISOString(),
    ...(operation === undefined ? {} : { operation }),
  })
}

export function recordWarning(world: World, message: string): void {
  world.warnings.set(message, (world.warnings.get(message) ?? 0) + 1)
}
