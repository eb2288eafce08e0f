#!/usr/bin/env node
/**
 * The `slipway` command. A command's code is loaded only when it is the one that was asked for, so that `--help` answers
 * at once; and only here do commands meet the parts that they work with.
 */
import { Command, CommanderError, Option } from 'commander'
import { config as readDotenv } from 'dotenv'
import { readSettings } from '../config/settings.ts'
import { errorMessage, SlipwayError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { createClient } from './client.ts'
import { EXIT, type AddCommand, type CommandContext } from './command-context.ts'
import { createTerminal } from './terminal.ts'

interface CommandEntry {
  readonly name: string
  readonly group: 'Server' | 'Repositories' | 'Services' | 'Pool and packages' | 'Care'
  readonly summary: string
  readonly load: () => Promise<AddCommand>
}

const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'start',
    group: 'Server',
    summary: 'run the server',
    load: async () => (await import('./start.ts')).startCommand(() => import('../main.ts')),
  },
  {
    name: 'init',
    group: 'Server',
    summary: 'ask for the first settings and write .env',
    load: async () => (await import('./init.ts')).initCommand,
  },
  {
    name: 'demo',
    group: 'Server',
    summary: 'play the whole story with a simulated GitHub, on real Docker',
    load: async () => (await import('./demo.ts')).demoCommand(async () => await import('../compose/demo-docker.ts')),
  },
  {
    name: 'simulate',
    group: 'Server',
    summary: 'run the simulated GitHub alone',
    load: async () => (await import('./simulate.ts')).simulateCommand(() => import('../simulate/main.ts')),
  },
  {
    name: 'run',
    group: 'Repositories',
    summary: 'run a pipeline in Docker here',
    load: async () =>
      (await import('./run.ts')).runCommand(
        async () => (await import('../compose/local-pipeline.ts')).localPipelineParts,
      ),
  },
  {
    name: 'lint',
    group: 'Repositories',
    summary: 'check a slipway.yml',
    load: async () =>
      (await import('./lint.ts')).lintCommand((await import('../config/yaml-parser.ts')).createYamlParser),
  },
  {
    name: 'plan',
    group: 'Repositories',
    summary: 'what would happen to a branch, pull request or tag, and why',
    load: async () => (await import('./plan.ts')).planCommand,
  },
  {
    name: 'logs',
    group: 'Repositories',
    summary: 'print or follow the log of a run',
    load: async () => (await import('./logs.ts')).logsCommand,
  },
  {
    name: 'register',
    group: 'Repositories',
    summary: 'exchange a nonce for a runner token',
    load: async () => (await import('./register.ts')).registerCommand,
  },
  {
    name: 'deploy',
    group: 'Services',
    summary: 'deploy the head of a service’s branch',
    load: async () => (await import('./deploy.ts')).deployCommand,
  },
  {
    name: 'rollback',
    group: 'Services',
    summary: 'go back to an earlier release, without a build',
    load: async () => (await import('./deploy.ts')).rollbackCommand,
  },
  {
    name: 'lock',
    group: 'Services',
    summary: 'keep everybody from deploying a service',
    load: async () => (await import('./deploy.ts')).lockCommand,
  },
  {
    name: 'unlock',
    group: 'Services',
    summary: 'let what waits for a lock go on',
    load: async () => (await import('./deploy.ts')).unlockCommand,
  },
  {
    name: 'pool',
    group: 'Pool and packages',
    summary: 'the release pool: instances, reservations and the line',
    load: async () => (await import('./pool.ts')).poolCommand,
  },
  {
    name: 'verify',
    group: 'Pool and packages',
    summary: 'check a downloaded package against its provenance',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'token',
    group: 'Care',
    summary: 'API tokens',
    load: async () => (await import('./token.ts')).tokenCommand,
  },
  {
    name: 'apply',
    group: 'Care',
    summary: 'make the server read its server.yml again',
    load: async () => (await import('./apply.ts')).applyCommand,
  },
  {
    name: 'audit',
    group: 'Care',
    summary: 'who changed what, newest first',
    load: async () => (await import('./audit.ts')).auditCommand,
  },
  {
    name: 'doctor',
    group: 'Care',
    summary: 'look at everything Slipway needs, and say how to mend it',
    load: async () => (await import('./doctor.ts')).doctorCommand(() => import('../compose/doctor/prepare-checks.ts')),
  },
  {
    name: 'backup',
    group: 'Care',
    summary: 'write everything into one file',
    load: async () => (await import('./backup.ts')).backupCommand(() => import('../compose/backup.ts')),
  },
  {
    name: 'restore',
    group: 'Care',
    summary: 'bring a backup back into an empty database',
    load: async () => (await import('./restore.ts')).restoreCommand(() => import('../compose/restore.ts')),
  },
]

async function main(args: readonly string[]): Promise<void> {
  const terminal = createTerminal(process.stdout, process.stderr, process.env)
  readDotenv({ quiet: true })
  const settings = () => readSettings(process.env, process.cwd())
  const context: CommandContext = {
    terminal,
    settings,
    client: () => {
      const { slipwayUrl, slipwayToken } = settings()
      return createClient({ url: slipwayUrl, token: slipwayToken })
    },
  }
  const program = new Command('slipway')
    .description(
      'Slipway: a self-hosted GitHub App that proves branches deployable, runs pipelines, deploys, and builds packages.',
    )
    .version(VERSION)
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride()
    .addHelpText(
      'after',
      '\nSettings come from the environment and .env; the server is SLIPWAY_URL with SLIPWAY_TOKEN, else ADMIN_TOKEN.',
    )
  const wanted = args.find((arg) => !arg.startsWith('-') && arg !== 'help')
  for (const entry of COMMANDS) {
    if (entry.name === wanted) (await entry.load())(program, context)
    else program.command(entry.name).summary(entry.summary)
    program.commands.at(-1)?.helpGroup(`${entry.group}:`)
  }
  for (const command of leaves(program)) finish(command)
  await program.parseAsync(args, { from: 'user' })
}

/** Commands that do something themselves. */
function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

function finish(command: Command): void {
  command.exitOverride()
  if (command.options.some((option) => option.long === '--json')) return
  command.addOption(new Option('--json', 'print JSON instead of text'))
}

// Whoever reads us may have seen enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok)
  throw error
})

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

/** One line for what went wrong, with the remedy; a stack only for a fault of our own. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof SlipwayError) {
    process.stderr.write(`slipway: ${error.advice}\n`)
    if (error.code === 'server_unreachable') return EXIT.unreachable
    return error.code === 'setting_invalid' || error.code === 'config_invalid' ? EXIT.usage : EXIT.failed
  }
  process.stderr.write(`slipway: ${error instanceof Error ? (error.stack ?? error.message) : errorMessage(error)}\n`)
  return EXIT.failed
}
