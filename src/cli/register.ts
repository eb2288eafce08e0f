import { z } from 'zod'
import { createClient } from './client.ts'
import type { AddCommand } from './command-context.ts'

const registered = z.object({ id: z.string(), organization: z.string(), token: z.string() })

export const registerCommand: AddCommand = (program, { terminal, settings }) => {
  program
    .command('register')
    .summary('exchange a nonce for a runner token')
    .description(
      'Registers a runner: the nonce comes from the page /runners, works once and lives ten minutes. Prints the token.',
    )
    .requiredOption('--nonce <nonce>', 'what the page showed')
    .option('--url <url>', 'the server, SLIPWAY_URL by default')
    .addHelpText('after', '\nExample:\n  $ slipway register --nonce=12345ABCDEF --url https://slipway.example.com')
    .action(async (options: { nonce: string; url?: string; json?: boolean }) => {
      const url = (options.url ?? settings().slipwayUrl).replace(/\/+$/, '')
      const answer = await createClient({ url, token: null }).post(
        '/api/v1/runners',
        { nonce: options.nonce },
        registered,
      )
      if (options.json === true) {
        terminal.json(answer)
        return
      }
      terminal.line('# Slipway runner registered successfully.')
      terminal.line(`# Slipway runner token: ${answer.token}`)
    })
}
