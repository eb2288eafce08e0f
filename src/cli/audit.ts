import { z } from 'zod'
import type { AddCommand } from './command-context.ts'

const Entries = z.object({
  entries: z.array(
    z.object({
      id: z.string(),
      at: z.string(),
      actor: z.string(),
      action: z.string(),
      subject: z.string(),
      detail: z.record(z.string(), z.unknown()),
    }),
  ),
})

export const auditCommand: AddCommand = (program, { terminal, client }) => {
  program
    .command('audit')
    .summary('who changed what, newest first')
    .description('Shows the audit log, newest first. Entries are never changed.')
    .option('-n, --limit <number>', 'how many', '50')
    .option('--before <id>', 'older than this entry')
    .addHelpText(
      'after',
      '\nExamples:\n  $ slipway audit\n  $ slipway audit --limit 500 --json | jq \'.[] | select(.actor == "octocat")\'',
    )
    .action(async ({ limit, before, json }: { limit: string; before?: string; json?: true }) => {
      const query = new URLSearchParams({ limit, ...(before === undefined ? {} : { before }) })
      const { entries } = await client().get(`/api/v1/audit?${query.toString()}`, Entries)
      if (json) return terminal.json(entries)
      terminal.table(
        ['ID', 'AT', 'WHO', 'WHAT', 'OF', 'DETAIL'],
        entries.map(({ id, at, actor, action, subject, detail }) => [
          id,
          at,
          actor,
          action,
          subject,
          detailText(detail),
        ]),
      )
    })
}

function detailText(detail: Readonly<Record<string, unknown>>): string {
  return Object.keys(detail).length === 0 ? '' : JSON.stringify(detail)
}
