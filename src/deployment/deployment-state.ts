/**
 * The life of one deployment. A state is written before its work begins and every work can be repeated, so whoever
 * takes the job over after a crash goes on where the database says, and asks Docker what has been done of it.
 *
 *   queued -> building -> publishing -> waiting -> rolling -> baking -> live
 *                                                    |  ^________|
 *                                                    v  (direction back: the last good release is put in place again)
 *                                          rolled_back | failed | cancelled            superseded: before rolling only
 */
export const DEPLOYMENT_STATES = [
  'queued',
  'building',
  'publishing',
  'waiting',
  'rolling',
  'baking',
  'live',
  'rolled_back',
  'failed',
  'superseded',
  'cancelled',
] as const
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number]

export type FinalState = 'live' | 'rolled_back' | 'failed' | 'superseded' | 'cancelled'

const NEXT: Readonly<Record<DeploymentState, readonly DeploymentState[]>> = {
  queued: ['building', 'publishing', 'superseded', 'cancelled', 'failed'],
  building: ['publishing', 'superseded', 'cancelled', 'failed'],
  publishing: ['waiting', 'superseded', 'cancelled', 'failed'],
  waiting: ['rolling', 'superseded', 'cancelled', 'failed'],
  rolling: ['rolling', 'baking', 'rolled_back', 'cancelled', 'failed'],
  baking: ['rolling', 'live'],
  live: [],
  rolled_back: [],
  failed: [],
  superseded: [],
  cancelled: [],
}

export function mayFollow(from: DeploymentState, to: DeploymentState): boolean {
  return NEXT[from].includes(to)
}

export function isFinal(state: DeploymentState): state is FinalState {
  return NEXT[state].length === 0
}

/** From here on the host may have changed, so an end needs a way back. */
export function touchesHost(state: DeploymentState): boolean {
  return state === 'rolling' || state === 'baking'
}
