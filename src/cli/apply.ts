import { z } from 'zod'
import type { AddCommand } from './command-context.ts'

const Applied = z.object({
  file: z.string().nullable(),
  hosts: z.array(z.string()),
  pools: z.array(z.string()),
  repositories: z.array(z.string()),
  tokens: z.array(z.string()),
})

export const applyCommand: AddCommand = (program, { terminal, client }) => {
  program
    .command('apply')
    .summary('make the server read its server.yml again')
    .description(
      'Makes the server read its server.yml again and take it over. A mistake in the file changes nothing; an instance\n' +
        'that is held is drained, never dropped.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ slipway apply\n  $ SLIPWAY_URL=https://slipway.example.com slipway apply --json',
    )
    .action(async ({ json }: { json?: true }) => {
      const applied = await client().post('/api/v1/apply', {}, Applied)
      if (json) return terminal.json(applied)
      terminal.line(
        applied.file === null ? 'There is no server.yml: the defaults are in force.' : `${applied.file} is in force:`,
      )
      for (const [what, names] of Object.entries({
        hosts: applied.hosts,
        pools: applied.pools,
        repositories: applied.repositories,
        tokens: applied.tokens,
      })) {
        terminal.line(`  ${what}: ${names.length === 0 ? 'none' : names.join(', ')}`)
      }
    })
}
