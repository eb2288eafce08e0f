/** Every operation of the reduced description and who serves it: the compiler sees to it that none is missing. */
import type { ServedOperation } from '../openapi/served-operations.ts'
import type { Handler } from './call.ts'
import { accountOperations } from './operations/accounts.ts'
import { actionsOperations } from './operations/actions.ts'
import { appOperations } from './operations/app.ts'
import { branchOperations } from './operations/branches.ts'
import { checkRunOperations } from './operations/check-runs.ts'
import { checkSuiteOperations } from './operations/check-suites.ts'
import { commitOperations } from './operations/commits.ts'
import { contentOperations } from './operations/contents.ts'
import { deliveryOperations } from './operations/deliveries.ts'
import { deploymentOperations } from './operations/deployments.ts'
import { gitOperations } from './operations/git.ts'
import { installationOperations } from './operations/installations.ts'
import { pullOperations } from './operations/pulls.ts'
import { repositoryOperations } from './operations/repositories.ts'
import { statusOperations } from './operations/statuses.ts'

export const operations: Readonly<Record<ServedOperation, Handler>> = {
  ...accountOperations,
  ...actionsOperations,
  ...appOperations,
  ...branchOperations,
  ...checkRunOperations,
  ...checkSuiteOperations,
  ...commitOperations,
  ...contentOperations,
  ...deliveryOperations,
  ...deploymentOperations,
  ...gitOperations,
  ...installationOperations,
  ...pullOperations,
  ...repositoryOperations,
  ...statusOperations,
}
