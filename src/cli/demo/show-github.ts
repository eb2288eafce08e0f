/** The table at the end: what GitHub shows of everything that happened. */
import type { ControlClient } from '../../simulate/index.ts'
import type { Terminal } from '../terminal.ts'

const TITLE_WIDTH = 70

export async function showGitHub(github: ControlClient, terminal: Terminal): Promise<void> {
  const [{ checkRuns, deployments }, { problems }] = await Promise.all([github.history(), github.report()])
  terminal.line()
  terminal.line(terminal.styled('bold', 'What GitHub shows'))
  terminal.table(
    ['commit', 'check run', 'conclusion', 'title'],
    checkRuns.map((run) => [
      run.head_sha.slice(0, 7),
      run.name,
      run.conclusion ?? run.status,
      cut(run.output.title ?? ''),
    ]),
  )
  if (deployments.length > 0) {
    terminal.line()
    terminal.table(
      ['commit', 'environment', 'state', 'address'],
      deployments.map(({ sha, environment, statuses }) => [
        sha.slice(0, 7),
        environment,
        statuses.at(-1)?.state ?? 'created',
        statuses.findLast((status) => status.environmentUrl !== '')?.environmentUrl ?? '',
      ]),
    )
  }
  for (const problem of problems) terminal.note(`GitHub objected: ${problem.message}`)
}

function cut(text: string): string {
  return text.length > TITLE_WIDTH ? `${text.slice(0, TITLE_WIDTH - 1)}…` : text
}
