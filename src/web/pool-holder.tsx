import { ADMIN_CLIENT, parseWorkflowClient, type Holder } from '../pool/index.ts'

/** Who holds it, linked to the workflow run, run or pull request that it is held for. */
export function HolderName({
  holder,
  githubUrl,
}: {
  readonly holder: Pick<Holder, 'client' | 'actor' | 'repository' | 'pullRequest' | 'runId'>
  readonly githubUrl: string
}) {
  const { client, repository, pullRequest, runId } = holder
  const workflow = parseWorkflowClient(client)
  if (client === ADMIN_CLIENT) return <span>reserved by {holder.actor}</span>
  if (workflow !== null) {
    const href = `${githubUrl}/${workflow.owner}/${workflow.name}/actions/runs/${workflow.workflowRunId}`
    return (
      <a href={href}>
        {workflow.owner}/{workflow.name} run {workflow.runNumber}
      </a>
    )
  }
  if (runId !== null) {
    return (
      <span>
        <a href={`/runs/${runId}`}>{repository ?? 'run'}</a>
        {repository !== null && pullRequest !== null && (
          <>
            {' '}
            <a href={`${githubUrl}/${repository}/pull/${pullRequest}`}>#{pullRequest}</a>
          </>
        )}
      </span>
    )
  }
  return <span>{client}</span>
}
