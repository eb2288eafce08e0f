import { errorMessage } from '../core/errors.ts'
import { EXIT, type AddCommand } from './command-context.ts'
import type { DoctorCheck, Finding } from './doctor-check.ts'
import type { Style, Terminal } from './terminal.ts'

export interface DoctorParts {
  /** The checks in the order in which one rests on the other, and what to close afterwards. */
  prepareChecks(): Promise<{ readonly checks: readonly DoctorCheck[]; close(): Promise<void> }>
}

/** Whatever a check waits for, an answer after this is as good as none. */
const CHECK_TIMEOUT_MS = 20_000

export function doctorCommand(load: () => Promise<DoctorParts>): AddCommand {
  return (program, { terminal }) => {
    program
      .command('doctor')
      .summary('look at everything Slipway needs, and say how to mend it')
      .description(
        'Looks at this machine, the settings, server.yml, the database, every Docker host, GitHub and its webhooks, mail and\n' +
          'storage, with the settings of the server. Each thing that is wrong is told with its fix. Exit code 1 when one fails.',
      )
      .addHelpText(
        'after',
        '\nExamples:\n  $ slipway doctor\n  $ slipway doctor --json | jq \'.[] | select(.kind == "failed")\'',
      )
      .action(async ({ json }: { json?: true }) => {
        const { prepareChecks } = await load()
        const { checks, close } = await prepareChecks()
        const told: (Finding & { readonly name: string })[] = []
        try {
          for (const check of checks) {
            const finding = { name: check.name, ...(await look(check)) }
            told.push(finding)
            if (json !== true) show(terminal, finding)
          }
        } finally {
          await close()
        }
        if (json) terminal.json(told)
        else summarize(terminal, told)
        if (told.some(({ kind }) => kind === 'failed')) process.exitCode = EXIT.failed
      })
  }
}

async function look(check: DoctorCheck): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'failed', detail: 'no answer in time', fix: check.fix }), CHECK_TIMEOUT_MS)
  })
  try {
    return await Promise.race([check.look(), late])
  } catch (error) {
    return { kind: 'failed', detail: errorMessage(error), fix: check.fix }
  } finally {
    clearTimeout(timer)
  }
}

const MARKS: Readonly<Record<Finding['kind'], readonly [string, Style]>> = {
  ok: ['ok     ', 'green'],
  warning: ['warning', 'yellow'],
  failed: ['failed ', 'red'],
  skipped: ['skipped', 'dim'],
}
const NAME_WIDTH = 34

function show(terminal: Terminal, finding: Finding & { readonly name: string }): void {
  const [mark, style] = MARKS[finding.kind]
  terminal.line(`${terminal.styled(style, mark)}  ${finding.name.padEnd(NAME_WIDTH)}  ${finding.detail}`)
  if ('fix' in finding) terminal.line(`         ${' '.repeat(NAME_WIDTH)}  → ${finding.fix}`)
}

function summarize(terminal: Terminal, told: readonly Finding[]): void {
  const count = (kind: Finding['kind']): number => told.filter((finding) => finding.kind === kind).length
  terminal.line()
  terminal.line(
    `${told.length} checks: ${count('ok')} ok, ${count('warning')} warnings, ${count('failed')} failed, ${count('skipped')} skipped`,
  )
}
