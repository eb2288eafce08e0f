import type { AddCommand } from './command-context.ts'

interface LogsOptions {
  readonly follow?: boolean
  readonly from?: string
  readonly json?: boolean
}

export const logsCommand: AddCommand = (program, { client }) => {
  program
    .command('logs')
    .summary('print the log of a run')
    .description('Prints what a run printed, or follows it until the run ends.')
    .argument('<run>', 'id of the run')
    .option('-f, --follow', 'wait for more until the run ends')
    .option('--from <line>', 'begin with this line')
    .addHelpText(
      'after',
      '\nExamples:\n  $ slipway logs 6f9619ff-8b86-d011-b42d-00c04fc964ff\n  $ slipway logs -f --from 100 RUN',
    )
    .action(async (run: string, options: LogsOptions) => {
      const query = new URLSearchParams({
        ...(options.follow === true ? { stream: 'http' } : {}),
        ...(options.from === undefined ? {} : { from: options.from }),
        ...(options.json === true ? { format: 'ndjson' } : {}),
      })
      const answer = await client().request(`/api/v1/runs/${encodeURIComponent(run)}/logs?${query.toString()}`)
      for await (const chunk of answer.body ?? []) {
        if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve))
      }
    })
}
