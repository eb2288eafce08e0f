/** The life of the process: a start that cannot succeed says why in one line, and a stop hands over what it has in hand. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, startSlipway, type SlipwayUnderTest } from '../support/slipway.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const REPOSITORY = 'acme/stopping'

let slipway: SlipwayUnderTest
beforeAll(async () => {
  slipway = await startSlipway()
  const files = { '.github/slipway.yml': 'version: 1\nimages:\n  web: {}\n', Dockerfile: 'FROM busybox\nRUN true\n' }
  await slipway.github.createRepository({ owner: 'acme', name: 'stopping', files })
})
afterAll(async () => {
  await slipway.close()
})

async function building(seconds: number): Promise<string> {
  const dockerfile = `FROM busybox\nRUN echo ${randomUUID()} && sleep ${seconds}\n`
  const sha = await slipway.github.commit(REPOSITORY, {
    branch: `b-${randomUUID()}`,
    files: { Dockerfile: dockerfile },
  })
  await slipway.github.waitFor(
    async () => (await slipway.github.checkRuns(REPOSITORY, sha)).find((run) => run.status === 'in_progress'),
    { what: 'a check in progress', timeout: 60_000 },
  )
  return sha
}

describe('SIGTERM', () => {
  it('lets a short build end, then ends with 0', async () => {
    const sha = await building(3)
    expect(await slipway.process().stop()).toBe(0)
    await slipway.start()
    const check = await slipway.github.completedCheck(REPOSITORY, sha, 'deployability', 60_000)
    expect(check.conclusion).toBe('success')
    expect(await slipway.github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
  })

  it('twice ends at once; the next start takes the build over', async () => {
    const sha = await building(6)
    const leaving = slipway.process()
    const code = leaving.stop()
    await slipway.github.waitFor(async () => ((await fetch(`${slipway.url}/readyz`)).status === 503 ? true : undefined))
    process.kill(leaving.pid, 'SIGTERM')
    expect(await code).toBe(1)
    await slipway.start()
    const check = await slipway.github.completedCheck(REPOSITORY, sha, 'deployability', 60_000)
    expect(check.conclusion).toBe('success')
    expect(await slipway.github.checkRuns(REPOSITORY, sha)).toHaveLength(1)
  })
})

describe('a start that cannot succeed ends with one line that says what to do', () => {
  it.each([
    ['a port that is no number', { PORT: 'http' }, /PORT/],
    ['an interval without a unit that is known', { RECONCILE_INTERVAL: 'often' }, /RECONCILE_INTERVAL/],
    ['an answer that CONFIRM does not know', { CONFIRM: 'maybe' }, /CONFIRM.*(harmless|deploys|none)/],
    ['a key that is no key', { PRIVATE_KEY: 'not a key' }, /PRIVATE_KEY/],
    [
      'a key that cannot be read',
      { PRIVATE_KEY: '', PRIVATE_KEY_PATH: '/nowhere/key.pem' },
      /PRIVATE_KEY_PATH.*\/nowhere\/key\.pem/,
    ],
    [
      'a server file that is not there',
      { SERVER_CONFIG: '/nowhere/server.yml' },
      /SERVER_CONFIG.*\/nowhere\/server\.yml/,
    ],
    ['a database that is not there', { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, /DATABASE_URL/],
    ['an encryption key of the wrong length', { ENCRYPTION_KEY: 'c2hvcnQ=' }, /ENCRYPTION_KEY/],
  ] as const)('%s', async (_words, env, line) => {
    const { code, output } = await failedStart(env)
    expect(code).not.toBe(0)
    expect(output).toMatch(line)
    expect(output.trim().split('\n')).toHaveLength(1)
  })

  it('a mistake in server.yml, with its line', async () => {
    const file = join(slipway.dataDir, 'wrong.yml')
    await writeFile(file, 'hosts:\n  - nmae: default\n')
    const { code, output } = await failedStart({ SERVER_CONFIG: file })
    expect(code).not.toBe(0)
    expect(output).toMatch(/wrong\.yml:2/)
    expect(output).not.toContain('    at ')
  })

  it('a port that is taken', async () => {
    const port = await freePort()
    const other = createServer().listen(port, '127.0.0.1')
    const { code, output } = await failedStart({ PORT: String(port) })
    other.close()
    expect(code).not.toBe(0)
    expect(output).toMatch(new RegExp(`PORT ${port}`))
    expect(output.trim().split('\n')).toHaveLength(1)
  })
})

describe('without Docker', () => {
  it('the server starts and /readyz says which host is missing', async () => {
    const second = await slipway.start({ DOCKER_HOST: '/nowhere/docker.sock' })
    const answer = await fetch(`${second.url}/readyz`)
    expect(answer.status).toBe(503)
    expect(JSON.stringify(await answer.json())).toMatch(/"ok":false.*nowhere/)
    expect(await second.stop()).toBe(0)
  })
})

function failedStart(env: Readonly<Record<string, string>>): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['dist/main.js'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: slipway.dataDir,
        LOG_LEVEL: 'error',
        HOST: '127.0.0.1',
        PORT: '0',
        DATA_DIR: slipway.dataDir,
        DATABASE_URL: slipway.database.url,
        ADMIN_TOKEN: 'some-admin-token',
        APP_ID: String(slipway.simulated.appId),
        PRIVATE_KEY: slipway.simulated.privateKey,
        WEBHOOK_SECRET: slipway.simulated.webhookSecret,
        ...env,
      },
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
    child.once('exit', (code) => resolve({ code, output }))
  })
}
