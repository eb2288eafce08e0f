import type { AddCommand } from './command-context.ts'

/** @param load the server's own entry: loading it starts it */
export function startCommand(load: () => Promise<unknown>): AddCommand {
  return (program) => {
    program
      .command('start')
      .summary('run the server')
      .description(
        'Runs the server until SIGTERM or Ctrl-C. Without APP_ID it serves a page that creates the GitHub App.',
      )
      .addHelpText('after', '\nExamples:\n  $ slipway start\n  $ PORT=8080 LOG_LEVEL=debug slipway start')
      .action(async () => {
        await load()
      })
  }
}
