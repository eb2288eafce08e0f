/** The hourly budget of each credential, and the pace of writes that GitHub asks clients to keep. */
import { recordProblem } from '../world/record-problem.ts'
import type { World } from '../world/world.ts'
import type { Caller } from './call.ts'

const hour = 3_600_000
const minute = 60_000
/** GitHub's secondary limits on what creates content. */
const createdPerMinute = 80
const createdPerHour = 500

export interface Budget {
  readonly exhausted: boolean
  readonly headers: Readonly<Record<string, string>>
}

export function budgetKey(caller: Caller): string {
  switch (caller.kind) {
    case 'installation':
      return `installation ${caller.installation.id}`
    case 'user':
      return `user ${caller.user.login}`
    default:
      return caller.kind
  }
}

/** `cost` 0 looks without spending: answers 304 are free. */
export function spendBudget(world: World, caller: Caller, cost: 0 | 1): Budget {
  const { rate } = world
  const now = world.now().getTime()
  const key = budgetKey(caller)
  const known = rate.used.get(key)
  const used = known === undefined || known.resetAt <= now ? { count: 0, resetAt: now + hour } : known
  rate.used.set(key, used)
  const exhausted = used.count >= rate.limit
  if (!exhausted) used.count += cost
  return {
    exhausted,
    headers: {
      'x-ratelimit-limit': String(rate.limit),
      'x-ratelimit-remaining': String(Math.max(rate.limit - used.count, 0)),
      'x-ratelimit-reset': String(Math.ceil(used.resetAt / 1_000)),
      'x-ratelimit-used': String(used.count),
      'x-ratelimit-resource': 'core',
    },
  }
}

/** Notes a client that creates faster than GitHub allows. */
export function watchPace(world: World, caller: Caller): void {
  const now = world.now().getTime()
  const key = budgetKey(caller)
  const created = [...(world.rate.created.get(key) ?? []).filter((at) => at > now - hour), now]
  world.rate.created.set(key, created)
  const inLastMinute = created.filter((at) => at > now - minute).length
  // Exactly one above: a burst is one problem, not hundreds.
  if (inLastMinute === createdPerMinute + 1)
    recordProblem(world, 'content-pace', `${key} created more than ${createdPerMinute} objects in a minute`)
  if (created.length === createdPerHour + 1)
    recordProblem(world, 'content-pace', `${key} created more than ${createdPerHour} objects in an hour`)
}
