/** The command line as a shell sees it: help, one-line errors, exit codes. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const CLI = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')
const COMMANDS =
  'start demo simulate init doctor run lint plan register apply pool deploy rollback lock unlock logs token verify audit backup restore'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-cli-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('slipway', () => {
  it('lists every command, and each explains itself', async () => {
    const { stdout, code } = await slipway(['--help'])
    expect(code).toBe(0)
    for (const name of COMMANDS.split(' ')) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
    const helps = await Promise.all(['plan', 'backup', 'doctor', 'simulate'].map((name) => slipway([name, '--help'])))
    for (const help of helps) {
      expect(help.code).toBe(0)
      expect(help.stdout).toContain('Examples:')
      expect(help.stdout).toContain('--json')
    }
  })

  it('tells in one line what is wrong and what to do, with an exit code of its kind', async () => {
    const [unknown, missing, away, setting] = await Promise.all([
      slipway(['fly']),
      slipway(['plan']),
      slipway(['audit'], { SLIPWAY_URL: 'http://127.0.0.1:9' }),
      slipway(['audit'], { PORT: 'abc' }),
    ])
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown command 'fly'") })
    expect(missing.code).toBe(2)
    expect(away).toMatchObject({
      code: 3,
      stderr:
        'slipway: no Slipway answers at http://127.0.0.1:9. Start one with `slipway start`, or set SLIPWAY_URL.\n',
    })
    expect(setting).toMatchObject({ code: 2, stderr: 'slipway: PORT must be a port from 0 to 65535\n' })
  })

  it('writes a .env that a start can read, for nobody but its owner, and never over another', async () => {
    const answers = ['', 'https://slipway.example.com', '', '', 'y', '7', 'key.pem', "a'secret", '', '', ''].join('\n')
    const first = await slipway(['init'], {}, answers)
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('https://slipway.example.com') })
    const text = await readFile(join(folder, '.env'), 'utf8')
    expect(text).toContain("BASE_URL='https://slipway.example.com'")
    expect(text).toContain('WEBHOOK_SECRET="a\'secret"')
    expect((await stat(join(folder, '.env'))).mode & 0o077).toBe(0)
    expect(await slipway(['init'], {}, answers)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('left alone'),
    })
  })
})

function slipway(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = '',
): Promise<{ stdout: string; stderr: string; code: number }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', TSX, CLI, ...args],
      { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, ...env } },
      (_error, stdout, stderr) => resolve({ stdout, stderr, code: child.exitCode ?? -1 }),
    )
    child.stdin?.end(input)
  })
}
