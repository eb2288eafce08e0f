/**
 * Who may call each operation. GitHub publishes this in prose only, so it is written down here: `by` says what kind of
 * credential is needed, `permission` what an installation or user token must have been granted.
 */
import type { ServedOperation } from '../openapi/served-operations.ts'
import type { Level } from '../world/identities.ts'

export interface OperationRight {
  /** `token`: an installation or a user; `anyone`: public things are shown without a credential. */
  readonly by: 'app' | 'installation' | 'user' | 'token' | 'anyone'
  readonly permission?: readonly [name: string, level: Level]
}

const app: OperationRight = { by: 'app' }
const user: OperationRight = { by: 'user' }
const anyone: OperationRight = { by: 'anyone' }
const installation: OperationRight = { by: 'installation' }

function needs(
  name: string,
  level: Level,
  by: OperationRight['by'] = level === 'read' ? 'anyone' : 'token',
): OperationRight {
  return { by, permission: [name, level] }
}

export const operationRights: Readonly<Record<ServedOperation, OperationRight>> = {
  'apps/get-authenticated': app,
  'apps/create-from-manifest': anyone,
  'apps/get-webhook-config-for-app': app,
  'apps/update-webhook-config-for-app': app,
  'apps/list-webhook-deliveries': app,
  'apps/get-webhook-delivery': app,
  'apps/redeliver-webhook-delivery': app,
  'apps/list-installations': app,
  'apps/get-installation': app,
  'apps/delete-installation': app,
  'apps/create-installation-access-token': app,
  'apps/suspend-installation': app,
  'apps/unsuspend-installation': app,
  'apps/list-repos-accessible-to-installation': installation,
  'apps/revoke-installation-access-token': installation,
  'apps/get-repo-installation': app,
  'apps/get-org-installation': app,
  'apps/get-user-installation': app,
  'apps/list-installations-for-authenticated-user': user,
  'apps/list-installation-repos-for-authenticated-user': user,
  'actions/get-workflow-run': needs('actions', 'read'),
  'actions/list-workflow-runs-for-repo': needs('actions', 'read'),
  'checks/create': needs('checks', 'write', 'installation'),
  'checks/get': needs('checks', 'read'),
  'checks/update': needs('checks', 'write', 'installation'),
  'checks/list-annotations': needs('checks', 'read'),
  'checks/rerequest-run': needs('checks', 'write'),
  'checks/list-for-ref': needs('checks', 'read'),
  'checks/list-for-suite': needs('checks', 'read'),
  'checks/create-suite': needs('checks', 'write', 'installation'),
  'checks/get-suite': needs('checks', 'read'),
  'checks/list-suites-for-ref': needs('checks', 'read'),
  'checks/rerequest-suite': needs('checks', 'write'),
  'git/get-ref': needs('contents', 'read'),
  'git/list-matching-refs': needs('contents', 'read'),
  'git/create-ref': needs('contents', 'write'),
  'git/update-ref': needs('contents', 'write'),
  'git/delete-ref': needs('contents', 'write'),
  'git/get-commit': needs('contents', 'read'),
  'git/get-tree': needs('contents', 'read'),
  'git/get-tag': needs('contents', 'read'),
  'git/get-blob': needs('contents', 'read'),
  'orgs/get': anyone,
  'orgs/get-membership-for-user': needs('members', 'read', 'token'),
  'pulls/list': needs('pull_requests', 'read'),
  'pulls/get': needs('pull_requests', 'read'),
  'pulls/list-files': needs('pull_requests', 'read'),
  'pulls/list-commits': needs('pull_requests', 'read'),
  'rate-limit/get': anyone,
  'repos/get': needs('metadata', 'read'),
  'repos/list-branches': needs('contents', 'read'),
  'repos/get-branch': needs('contents', 'read'),
  'repos/list-tags': needs('metadata', 'read'),
  'repos/list-commits': needs('contents', 'read'),
  'repos/get-commit': needs('contents', 'read'),
  'repos/list-pull-requests-associated-with-commit': needs('pull_requests', 'read'),
  'repos/list-branches-for-head-commit': needs('contents', 'read'),
  'repos/compare-commits-with-basehead': needs('contents', 'read'),
  'repos/get-content': needs('contents', 'read'),
  'repos/create-or-update-file-contents': needs('contents', 'write'),
  'repos/download-tarball-archive': needs('contents', 'read'),
  'repos/download-zipball-archive': needs('contents', 'read'),
  'repos/create-deployment': needs('deployments', 'write'),
  'repos/list-deployments': needs('deployments', 'read'),
  'repos/get-deployment': needs('deployments', 'read'),
  'repos/delete-deployment': needs('deployments', 'write'),
  'repos/create-deployment-status': needs('deployments', 'write'),
  'repos/list-deployment-statuses': needs('deployments', 'read'),
  'repos/get-deployment-status': needs('deployments', 'read'),
  'repos/get-all-environments': needs('actions', 'read'),
  'repos/get-environment': needs('actions', 'read'),
  'repos/create-commit-status': needs('statuses', 'write'),
  'repos/list-commit-statuses-for-ref': needs('statuses', 'read'),
  'repos/get-combined-status-for-ref': needs('statuses', 'read'),
  'repos/get-collaborator-permission-level': needs('metadata', 'read', 'token'),
  'repos/list-collaborators': needs('metadata', 'read', 'token'),
  'users/get-authenticated': user,
  'users/get-by-username': anyone,
}
