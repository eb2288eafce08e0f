import { errorMessage } from '../core/errors.ts'
import { EXIT, type AddCommand, type CommandContext } from './command-context.ts'
import type { DemoDocker } from './demo/play.ts'

/** @param docker what ends the story on the Docker host */
export function demoCommand(docker: () => Promise<DemoDocker>): AddCommand {
  return (program, context) => {
    program
      .command('demo')
      .summary('play the whole story with a simulated GitHub, on real Docker')
      .description(
        'Starts a Slipway of its own with a simulated GitHub and plays the whole story on real Docker: a red check, a green\n' +
          'one, a pipeline, a deployment, a rollback, a package. The dashboard stays open until Ctrl-C, which removes all of it.',
      )
      .option('--once', 'end with the story: exit code 0 when it ended well')
      .addHelpText(
        'after',
        '\nExamples:\n  $ slipway demo\n  $ npm run demo -- --once     # sets the machine up before',
      )
      .action(async (options: { once?: boolean }) => {
        process.exitCode = await playOrFail(context, await docker(), options.once === true)
      })
  }
}

async function playOrFail(context: CommandContext, docker: DemoDocker, once: boolean): Promise<number> {
  const { play } = await import('./demo/play.ts')
  try {
    return await play(context, docker, once)
  } catch (error) {
    context.terminal.note(`the demo could not be started: ${errorMessage(error)}`)
    return EXIT.failed
  }
}
