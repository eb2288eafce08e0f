/** `slipway token …`: API tokens from a shell. */
import { Option } from 'commander'
import { z } from 'zod'
import type { AddCommand } from './command-context.ts'

const ROOT = '/api/v1/tokens'

const Token = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.string(),
  pools: z.array(z.string()).nullable(),
  created_by: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
})
const Issued = Token.extend({ token: z.string() })

interface Common {
  readonly json?: true
}

export const tokenCommand: AddCommand = (program, { terminal, client }) => {
  const token = program
    .command('token')
    .summary('API tokens')
    .description('Makes, shows, rotates and revokes API tokens.')

  const showIssued = (issued: z.output<typeof Issued>, { json }: Common): void => {
    if (json) return terminal.json(issued)
    terminal.note(`${issued.name} (${issued.scope}) ${issued.id}; the token is shown this once:`)
    terminal.line(issued.token)
  }

  token
    .command('create <name>')
    .description('Makes a token and prints it, this once.')
    .addOption(
      new Option('-s, --scope <scope>', 'what it may do')
        .choices(['pool', 'runner', 'packages', 'read', 'admin'])
        .makeOptionMandatory(),
    )
    .option('-p, --pool <name...>', 'only these pools')
    .option('--expires-in <duration>', 'e.g. 90d; never where nothing is said')
    .action(async (name: string, options: Common & { scope: string; pool?: string[]; expiresIn?: string }) => {
      const body = {
        name,
        scope: options.scope,
        ...(options.pool === undefined ? {} : { pools: options.pool }),
        ...(options.expiresIn === undefined ? {} : { expires_in: options.expiresIn }),
      }
      showIssued(await client().post(ROOT, body, Issued), options)
    })

  token
    .command('list')
    .description('Shows the tokens, without the tokens themselves.')
    .action(async ({ json }: Common) => {
      const { tokens } = await client().get(ROOT, z.object({ tokens: z.array(Token) }))
      if (json) return terminal.json(tokens)
      terminal.table(
        ['ID', 'NAME', 'SCOPE', 'POOLS', 'STATE', 'LAST USED', 'BY'],
        tokens.map((row) => [
          row.id,
          row.name,
          row.scope,
          row.pools?.join(' ') ?? 'all',
          row.revoked_at === null ? (row.expires_at === null ? 'valid' : `until ${row.expires_at}`) : 'revoked',
          row.last_used_at ?? 'never',
          row.created_by,
        ]),
      )
    })

  token
    .command('rotate <id>')
    .description('Makes a new token in its place; the old one stays valid for the overlap.')
    .option('--overlap <duration>', 'how long the old one stays valid', '24h')
    .action(async (id: string, options: Common & { overlap: string }) => {
      showIssued(
        await client().post(`${ROOT}/${encodeURIComponent(id)}/rotate`, { overlap: options.overlap }, Issued),
        options,
      )
    })

  token
    .command('revoke <id>')
    .description('Ends a token at once.')
    .action(async (id: string, { json }: Common) => {
      await client().request(`${ROOT}/${encodeURIComponent(id)}`, { method: 'DELETE' })
      if (json) terminal.json({ id, revoked: true })
      else terminal.line('revoked')
    })
}
