import type { AddCommand } from './command-context.ts'

/** @param load the simulated GitHub's own entry; it reads its flags itself, from what is left of the arguments */
export function simulateCommand(load: () => Promise<unknown>): AddCommand {
  return (program) => {
    program
      .command('simulate')
      .summary('run the simulated GitHub alone')
      .description(
        'Runs the GitHub that Slipway ships: REST, git over HTTP and signed webhooks, all in memory. Prints one JSON line\n' +
          'with its addresses and secrets, then serves until SIGTERM or Ctrl-C.',
      )
      .option('--port <number>', 'port to listen on; default: any free one')
      .option('--host <address>', 'address to listen on; default: 127.0.0.1')
      .option('--data <folder>', 'where its git repositories lie; default: a temporary folder')
      .option('--webhook-url <url>', 'where the App listens')
      .option('--webhook-secret <text>', 'signs the webhooks; default: made and printed')
      .addHelpText(
        'after',
        '\nExamples:\n  $ slipway simulate --port 4000 --webhook-url http://localhost:3000/api/github/webhooks',
      )
      .action(async () => {
        process.argv.splice(2, 1)
        await load()
      })
  }
}
