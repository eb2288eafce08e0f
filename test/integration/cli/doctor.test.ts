/** `slipway doctor` beside a server that works, and where something is wrong. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlipway, type SlipwayUnderTest } from '../../support/slipway.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

interface Told {
  readonly name: string
  readonly kind: string
  readonly detail: string
  readonly fix?: string
}

let slipway: SlipwayUnderTest
beforeAll(async () => {
  slipway = await startSlipway({ serverFile: 'admins: [octocat]\n' })
  await slipway.github.createRepository({ owner: 'acme', name: 'web', files: { 'README.md': '# web\n' } })
  await slipway.github.delivered()
})
afterAll(async () => {
  await slipway.close()
})

describe('slipway doctor', () => {
  it('looks at twenty things and more, and finds nothing wrong with a server that works', async () => {
    const { told, code } = await doctor({})
    expect(told.filter(({ kind }) => kind === 'failed')).toEqual([])
    expect(code).toBe(0)
    expect(told.length).toBeGreaterThanOrEqual(20)
    const names = ['server.yml', 'database', 'database schema', 'encryption key', 'host default', 'GitHub', 'clock']
    for (const name of [
      ...names,
      'permissions of the App',
      'events of the App',
      'webhook address',
      'webhooks arrive',
    ]) {
      expect(told.find((finding) => finding.name === name)).toMatchObject({ kind: 'ok' })
    }
    expect(told.filter(({ kind, fix }) => kind === 'warning' && fix === undefined)).toEqual([])
  })

  it('says which variable is wrong, and goes on with what does not rest on it', async () => {
    const { told, code } = await doctor({ PORT: 'abc' })
    expect(code).toBe(1)
    expect(told).toContainEqual(
      expect.objectContaining({ name: 'settings', kind: 'failed', detail: expect.stringContaining('PORT') }),
    )
    expect(told).toContainEqual(expect.objectContaining({ name: 'git', kind: 'ok' }))
    expect(told).toContainEqual(expect.objectContaining({ name: 'database', kind: 'skipped' }))
  })

  it('tells a wrong encryption key, a lost host and a wrong webhook address, each with its fix', async () => {
    const { told, code } = await doctor({
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      BASE_URL: 'https://elsewhere.example.com',
      SERVER_CONFIG: '',
      DOCKER_HOST: '/nowhere/docker.sock',
    })
    expect(code).toBe(1)
    const failed = (name: string, fix: string) =>
      expect.objectContaining({ name, kind: 'failed', fix: expect.stringContaining(fix) })
    expect(told).toContainEqual(failed('encryption key', 'ENCRYPTION_KEY'))
    expect(told).toContainEqual(failed('host default', 'Start Docker'))
    expect(told.find(({ name }) => name === 'webhook address')).toMatchObject({
      kind: 'warning',
      detail: expect.stringContaining(slipway.url),
    })
    expect(told.find(({ name }) => name === 'host default: Engine')).toMatchObject({ kind: 'skipped' })
  })
})

async function doctor(wrong: Readonly<Record<string, string>>): Promise<{ told: readonly Told[]; code: number }> {
  const { simulated, database, dataDir, url } = slipway
  const env = {
    PATH: process.env['PATH'],
    HOME: dataDir,
    PORT: new URL(url).port,
    BASE_URL: url,
    DATA_DIR: dataDir,
    DATABASE_URL: database.url,
    SERVER_CONFIG: `${dataDir}/server.yml`,
    GHE_HOST: new URL(simulated.url).host,
    GHE_PROTOCOL: 'http',
    APP_ID: String(simulated.appId),
    PRIVATE_KEY: simulated.privateKey,
    WEBHOOK_SECRET: simulated.webhookSecret,
    ...wrong,
  }
  const running = promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'doctor', '--json'], {
    cwd: ROOT,
    env,
  })
  const { stdout } = await running.catch((error: { stdout: string }) => error)
  return { told: JSON.parse(stdout), code: running.child.exitCode ?? -1 }
}
