/** The door of the release pool. */
export { applyPoolConfig, type AppliedPools } from './apply-pool-config.ts'
export { labelProblem, textProblem, type Problem, type RequestInput } from './check-request.ts'
export { ADMIN_CLIENT, clientProblem, parseWorkflowClient } from './client-name.ts'
export { estimateWaitMs, retryAfterSeconds } from './estimate-wait.ts'
export { createHookCaller, createHttpProbe } from './http-hooks.ts'
export { parseDomain, tokenContext } from './instance-domain.ts'
export * from './pool.ts'
export { createPoolJobs, type PoolJobDeps } from './pool-jobs.ts'
export type * from './ports.ts'
export { releaseByFact, type EndedFact } from './release-by-fact.ts'
export { stealInstance, type Theft, type TheftAnswer } from './steal-instance.ts'
export { POLLING_WAITER_TTL_MS, reserve, reserveConnected, type Answer, type ReserveDeps } from './reserve.ts'
export {
  extendForRun,
  heldByRun,
  releaseForRun,
  requestForRun,
  type RunAnswer,
  type RunHold,
  type RunRequest,
  type RunReservationDeps,
} from './run-reservations.ts'
