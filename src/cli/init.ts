/** `slipway init`: asks for what a first start needs and writes it to `.env`; nothing that exists is overwritten. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createInterface, type Interface } from 'node:readline/promises'
import { SlipwayError } from '../core/errors.ts'
import { readSettings } from '../config/settings.ts'
import type { AddCommand } from './command-context.ts'
import type { Terminal } from './terminal.ts'

const OWNER_ONLY = 0o600
const ADMIN_TOKEN_BYTES = 24

/** One question; an empty answer takes `initial`. */
interface Question {
  readonly variable: string
  readonly text: string
  readonly initial: string
}

const PLACE: readonly Question[] = [
  { variable: 'PORT', text: 'Port to listen on', initial: '3000' },
  { variable: 'BASE_URL', text: 'Address at which people and GitHub reach it (empty: only this machine)', initial: '' },
  {
    variable: 'WEBHOOK_PROXY_URL',
    text: 'Channel of smee.io, where GitHub cannot reach that address (empty: none)',
    initial: '',
  },
  { variable: 'DATABASE_URL', text: 'PostgreSQL server (empty: the one that Slipway brings along)', initial: '' },
]

const APP: readonly Question[] = [
  { variable: 'APP_ID', text: 'Id of the App', initial: '' },
  { variable: 'PRIVATE_KEY_PATH', text: 'File with its private key', initial: '' },
  { variable: 'WEBHOOK_SECRET', text: 'Secret of its webhook', initial: '' },
  { variable: 'GITHUB_CLIENT_ID', text: 'Its client id, for log-in with GitHub (empty: none)', initial: '' },
  { variable: 'GITHUB_CLIENT_SECRET', text: 'Its client secret', initial: '' },
]

export const initCommand: AddCommand = (program, { terminal }) => {
  program
    .command('init')
    .summary('ask for the first settings and write .env')
    .description(
      'Asks for what a first start needs and writes it to .env. The GitHub App itself is best created by the page that the\n' +
        'server shows without one; who has an App already is asked for its credentials.',
    )
    .option('--file <path>', 'what to write', '.env')
    .addHelpText('after', '\nExamples:\n  $ slipway init && slipway start')
    .action(async ({ file, json }: { file: string; json?: true }) => {
      if (existsSync(file)) {
        throw new SlipwayError('conflict', `${file} exists already and is left alone`, {
          remedy: 'Edit it, or write another one with --file.',
        })
      }
      const answers = createInterface({ input: process.stdin, output: process.stderr })
      const values = await ask(answers, terminal).finally(() => answers.close())
      // The same look as at a start, so that a typing mistake is told now.
      readSettings(values, process.cwd())
      await writeFile(file, envText(values), { mode: OWNER_ONLY, flag: 'wx' })
      if (json) return terminal.json({ file, variables: Object.keys(values) })
      tellWhatIsNext(terminal, file, values)
    })
}

async function ask(lines: Interface, terminal: Terminal): Promise<Readonly<Record<string, string>>> {
  const answers = lines[Symbol.asyncIterator]()
  const put = async (text: string): Promise<string> => {
    process.stderr.write(text)
    const { value, done } = await answers.next()
    if (done === true) throw new SlipwayError('request_invalid', 'the answers ended before the questions did')
    return value.trim()
  }
  const values: Record<string, string> = {}
  const askAll = async (questions: readonly Question[]): Promise<void> => {
    for (const { variable, text, initial } of questions) {
      const answer = (await put(`${text}${initial === '' ? '' : ` [${initial}]`}: `)) || initial
      if (answer !== '') values[variable] = answer
    }
  }
  await askAll(PLACE)
  const hasApp = /^y/i.test(await put('Is there a GitHub App for it already? [y/N]: '))
  if (hasApp) await askAll(APP)
  else terminal.note('Then the server will show a page that creates one with a click.')
  return { ...values, ADMIN_TOKEN: randomBytes(ADMIN_TOKEN_BYTES).toString('base64url') }
}

/** Quoted, so that no character of an answer means anything to who reads the file. */
function envText(values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${quoted(value)}`)
  return `# Written by slipway init; .env.example lists every variable.\n${lines.join('\n')}\n`
}

function quoted(value: string): string {
  const quote = ["'", '"', '`'].find((mark) => !value.includes(mark))
  if (quote === undefined) throw new SlipwayError('request_invalid', 'an answer holds every kind of quotation mark')
  return `${quote}${value}${quote}`
}

function tellWhatIsNext(terminal: Terminal, file: string, values: Readonly<Record<string, string>>): void {
  const address = values['BASE_URL'] ?? `http://localhost:${values['PORT'] ?? '3000'}`
  terminal.line(`${file} is written. Next:`)
  terminal.line('  slipway doctor   looks whether everything is there')
  terminal.line(
    `  slipway start    and open ${address}${values['APP_ID'] === undefined ? ' to create the GitHub App' : ''}`,
  )
}
