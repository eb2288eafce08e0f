import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { SlipwayError } from '../core/errors.ts'
import type { AddCommand } from './command-context.ts'
import type { Terminal } from './terminal.ts'

const Plan = z.object({
  repository: z.string(),
  sha: z.string(),
  config_sha: z.string(),
  event: z.string(),
  trust: z.string(),
  file: z.enum(['absent', 'invalid', 'valid']),
  ignored: z.string().nullable(),
  runs: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      outcome: z.enum(['runs', 'waits', 'ends', 'exists']),
      conclusion: z.string().nullable(),
      why: z.string(),
      title: z.string(),
      summary: z.string(),
      existing_run: z.string().nullable(),
    }),
  ),
  supersedes: z.array(z.object({ id: z.string(), name: z.string(), sha: z.string() })),
})
type Plan = z.output<typeof Plan>

interface Options {
  readonly branch?: string
  readonly pullRequest?: string
  readonly tag?: string
  readonly json?: true
}

export const planCommand: AddCommand = (program, { terminal, client }) => {
  program
    .command('plan')
    .argument('<owner/repo>', 'the repository', repositoryName)
    .summary('what would happen to a branch, pull request or tag, and why')
    .description(
      'Shows what Slipway would do with a branch, a pull request or a tag as it is now, and why. Nothing is changed.',
    )
    .option('--branch <name>', 'as if its head had just been pushed')
    .option('--pull-request <number>', 'as if it had just been opened')
    .option('--tag <name>', 'as if it had just been pushed')
    .addHelpText(
      'after',
      '\nExamples:\n  $ slipway plan acme/web --branch live\n  $ slipway plan acme/web --pull-request 7\n  $ slipway plan acme/web --tag v1.2.0 --json',
    )
    .action(async (repository: string, { branch, pullRequest, tag, json }: Options) => {
      const named = Object.entries({ branch, pull_request: pullRequest, tag }).flatMap(([key, value]) =>
        value === undefined ? [] : [{ key, value }],
      )
      const [target] = named
      if (target === undefined || named.length > 1) {
        throw new SlipwayError('request_invalid', 'name exactly one of --branch, --pull-request and --tag')
      }
      const query = new URLSearchParams({ repository, [target.key]: target.value })
      const plan = await client().get(`/api/v1/plan?${query.toString()}`, Plan)
      if (json) return terminal.json(plan)
      showPlan(plan, terminal)
    })
}

function repositoryName(text: string): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(text)) throw new InvalidArgumentError('It is written OWNER/REPO.')
  return text
}

const OUTCOMES = {
  runs: 'would run',
  waits: 'would wait',
  ends: 'would end at once',
  exists: 'is there already',
} as const

function showPlan(plan: Plan, terminal: Terminal): void {
  terminal.line(`${plan.repository} at ${plan.sha.slice(0, 12)} (${plan.event}, ${plan.trust})`)
  if (plan.ignored !== null) return terminal.line(`Nothing would happen: ${plan.ignored}.`)
  if (plan.file === 'absent') {
    return terminal.line(`Nothing would happen: there is no .github/slipway.yml at ${plan.config_sha.slice(0, 12)}.`)
  }
  if (plan.runs.length === 0) terminal.line('Nothing would happen: nothing in .github/slipway.yml is meant for this.')
  for (const run of plan.runs) {
    const end = run.outcome === 'ends' && run.conclusion !== null ? ` as ${run.conclusion}` : ''
    terminal.line()
    terminal.line(`${terminal.styled('bold', run.name)} ${OUTCOMES[run.outcome]}${end}`)
    terminal.line(`  ${run.why}`)
    // A wrong file is the one outcome that has to be told in full: it is what must be mended.
    if (run.kind === 'config') for (const line of run.summary.split('\n')) terminal.line(`  ${line}`)
  }
  for (const { name, sha } of plan.supersedes) {
    terminal.line()
    terminal.line(`${terminal.styled('bold', name)} of ${sha.slice(0, 12)} would be superseded`)
  }
}
