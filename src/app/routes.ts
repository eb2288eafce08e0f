/** Which webhook becomes which event: the table of SPEC section 5. Everything else is stored as ignored. */
import type { SlipwayEvent } from '../core/events.ts'
import * as translate from './translate.ts'

type Translate = (payload: unknown, appId: number | null) => SlipwayEvent | null

/** A ping is handled by being stored. */
const translatePing: Translate = () => null

/** Gives every entry the same type, so that a caller need not know which of them asks for the app's id. */
const table = <Name extends string>(routes: Readonly<Record<Name, Translate>>): Readonly<Record<Name, Translate>> =>
  routes

export const ROUTES = table({
  push: translate.translatePush,
  create: translate.translateCreate,
  delete: translate.translateDelete,
  pull_request: translate.translatePullRequest,
  check_run: translate.translateCheckRun,
  check_suite: translate.translateCheckSuite,
  merge_group: translate.translateMergeGroup,
  workflow_run: translate.translateWorkflowRun,
  installation: translate.translateInstallation,
  installation_repositories: translate.translateInstallationRepositories,
  repository: translate.translateRepository,
  ping: translatePing,
})

export type HandledEvent = keyof typeof ROUTES

export const HANDLED_EVENTS: ReadonlySet<string> = new Set(Object.keys(ROUTES))
