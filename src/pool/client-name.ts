/**
 * Clients of GitHub Actions name themselves `owner--repo--run_id--run_number`, with anything after one more `--` for
 * the jobs of a matrix. An owner's login never holds two hyphens in a row; a repository's name may.
 */

/** Long enough for every name in use; a larger one is a mistake or an attack. */
export const MAX_CLIENT_LENGTH = 255
/** What an admin who reserved on the page is called in the compatible list. */
export const ADMIN_CLIENT = 'reserved_by_admin'

export interface WorkflowClient {
  readonly owner: string
  readonly name: string
  readonly workflowRunId: string
  readonly runNumber: string
}

const WORKFLOW_CLIENT = /^([A-Za-z0-9](?:-?[A-Za-z0-9])*)--([\w.-]+?)--(\d{1,20})--(\d{1,20})(?:--.*)?$/
const CONTROL_CHARACTER = /\p{Cc}/u

/** Null when the client is not a workflow run. */
export function parseWorkflowClient(client: string): WorkflowClient | null {
  const match = WORKFLOW_CLIENT.exec(client)
  if (match === null) return null
  const [, owner = '', name = '', workflowRunId = '', runNumber = ''] = match
  return { owner, name, workflowRunId, runNumber }
}

/** What is wrong with a client's name, null when nothing is. */
export function clientProblem(client: string): string | null {
  if (client.trim() === '') return 'cannot be blank'
  if (client.length > MAX_CLIENT_LENGTH) return `is too long (maximum is ${MAX_CLIENT_LENGTH} characters)`
  if (CONTROL_CHARACTER.test(client)) return 'cannot hold control characters'
  return null
}

/** Whose turn a client counts as: its repository's where its name tells one, else its own. */
export function fairKey(client: string, repository: string | null): string {
  return repository === null ? `client:${client}` : `repository:${repository.toLowerCase()}`
}

/** `owner/name` of the workflow run that a client's name tells, lower case. */
export function repositoryOf(client: string): string | null {
  const workflow = parseWorkflowClient(client)
  return workflow === null ? null : `${workflow.owner}/${workflow.name}`.toLowerCase()
}
